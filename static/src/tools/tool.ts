/** What a tool is: it turns what a pointer does on the field into gestures. */

import type { Workbench } from "../commands";
import type { ImagePoint, ScreenPoint } from "../geometry/points";
import { distance } from "../geometry/points";
import type { Canvas } from "../render/canvas";
import type { Handle } from "../shapes";
import { handles } from "../shapes";
import type { SpatialIndex } from "../spatial";
import type { Shape, Uuid } from "../types";
import type { Viewport } from "../viewport";

export interface Pointer {
  readonly at: ImagePoint;
  readonly screen: ScreenPoint;
  readonly shift: boolean;
  readonly alt: boolean;
  /** What points: a finger is broader than a pen, and has no keys beside it. */
  readonly by: "mouse" | "pen" | "touch";
}

/** What a pressed pointer has taken hold of. */
export interface Grip {
  move(pointer: Pointer): void;
  /** `moved`: further than a click trembles. */
  release(pointer: Pointer, moved: boolean): void;
  cancel(): void;
}

export interface Tool {
  /** null: the field is taken hold of, and moves along. */
  press(pointer: Pointer): Grip | null;
  /** The pointer was pressed and released in one place, and `press` took hold of nothing. */
  click(pointer: Pointer): void;
  doubleClick?(pointer: Pointer): void;
  hover?(pointer: Pointer): void;
  /** The pointer has left the field. */
  out?(): void;
  /** As keyOf writes it; true where the tool needs the key itself. */
  key?(key: string): boolean;
  /** Another tool is chosen. */
  leave?(): void;
}

export interface Parts {
  readonly workbench: Workbench;
  readonly index: SpatialIndex;
  readonly canvas: Canvas;
  readonly viewport: Viewport;
}

/** How near, in screen pixels, a pointer has to come. */
const HANDLE_REACH = { mouse: 8, pen: 12, touch: 18 } as const;
const SHAPE_REACH = 4;

/** The one thing that is selected, if it is one and may be changed. */
export type Only =
  | { readonly type: "cell"; readonly uuid: Uuid; readonly class: number; readonly shape: Shape }
  | { readonly type: "prediction"; readonly id: number; readonly class: number; readonly shape: Shape };

export function onlySelected({ workbench }: Parts): Only | null {
  const { store } = workbench.context;
  const [cells, predictions] = [store.selectedCells(), store.selectedPredictions()];
  if (cells.length + predictions.length !== 1) return null;
  const [cell] = cells;
  const [prediction] = predictions;
  if (cell?.locked) return null;
  if (cell) return { type: "cell", uuid: cell.uuid, class: cell.class, shape: cell.shape };
  if (prediction) return { type: "prediction", id: prediction.id, class: prediction.class, shape: prediction.shape };
  return null;
}

/** The handle of `shape` under the pointer: corners before what lies between them. A circle is moved by its inside. */
export function handleAt({ viewport }: Parts, shape: Shape, { screen, by }: Pointer): Handle | null {
  const near = handles(shape)
    .filter(({ id }) => id !== "centre")
    .map((handle) => ({ handle, away: distance(viewport.toScreen(handle.at), screen) }))
    .filter(({ away }) => away <= HANDLE_REACH[by])
    .sort((one, other) => one.away - other.away);
  return (near.find(({ handle }) => !handle.id.startsWith("middle")) ?? near[0])?.handle ?? null;
}

/** Field pixels for the screen pixels beside a shape that still count as on it. */
export function slack({ viewport }: Parts): number {
  return SHAPE_REACH / viewport.scale;
}
