/** Taking hold of what is selected: moving it, pulling its handles. A prediction that is pulled becomes a cell. */

import { correctPrediction, moveCells, reshapeCell } from "../commands";
import { cornerRemoved, moved, resized } from "../shapes";
import type { Shape, Uuid } from "../types";
import type { Grip, Only, Parts, Pointer } from "./tool";

/** Pulls one handle. */
export function pullHandle(parts: Parts, only: Only, handle: string): Grip {
  return pull(parts, only, (pointer) => resized(only.shape, handle, pointer.at));
}

/** Moves the one thing that is selected. */
export function pullOnly(parts: Parts, only: Only, from: Pointer): Grip {
  return pull(parts, only, ({ at }) => moved(only.shape, at.x - from.at.x, at.y - from.at.y));
}

/** Moves all selected cells together. */
export function pullCells(parts: Parts, from: Pointer): Grip {
  const { canvas, workbench } = parts;
  const cells = workbench.context.store.selectedCells().filter((cell) => !cell.locked);
  const uuids: Uuid[] = cells.map((cell) => cell.uuid);
  const end = (): void => {
    canvas.sketch(null);
    canvas.hide([]);
  };
  canvas.hide(uuids);
  return {
    move({ at }) {
      const [dx, dy] = [at.x - from.at.x, at.y - from.at.y];
      const shapes = cells.map((cell) => ({ shape: moved(cell.shape, dx, dy), class: cell.class, label: "" }));
      canvas.sketch({ shapes, look: "cell" });
    },
    release({ at }, hasMoved) {
      end();
      if (hasMoved) workbench.gesture(moveCells, { uuids, dx: at.x - from.at.x, dy: at.y - from.at.y });
    },
    cancel: end,
  };
}

export function removeCorner({ workbench }: Parts, only: Only, handle: string): void {
  if (only.shape.kind !== "contour" || !handle.startsWith("corner")) return;
  commit({ workbench }, only, cornerRemoved(only.shape, handle));
}

export function commit({ workbench }: Pick<Parts, "workbench">, only: Only, shape: Shape): void {
  if (only.type === "cell") workbench.gesture(reshapeCell, { uuid: only.uuid, shape });
  else workbench.gesture(correctPrediction, { prediction: only.id, shape });
}

function pull(parts: Parts, only: Only, shapeAt: (pointer: Pointer) => Shape): Grip {
  const { canvas } = parts;
  const end = (): void => {
    canvas.sketch(null);
    canvas.hide([]);
  };
  let isHidden = false;
  return {
    move(pointer) {
      if (!isHidden) canvas.hide(only.type === "cell" ? [only.uuid] : [], only.type === "cell" ? null : only.id);
      isHidden = true;
      // What is pulled will be a person's cell, and looks like one at once.
      canvas.sketch({ shapes: [{ shape: shapeAt(pointer), class: only.class, label: "" }], look: "cell" });
    },
    release(pointer, hasMoved) {
      end();
      if (hasMoved) commit(parts, only, shapeAt(pointer));
    },
    cancel: end,
  };
}
