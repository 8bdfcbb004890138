/** What is painted over all cells: what is selected, its handles, what lies under the pointer, what is being drawn. */

import type { Bounds, ImagePoint } from "../geometry/points";
import type { Handle } from "../shapes";
import type { Shape } from "../types";
import type { Painter, Placement } from "../viewport";
import { sized } from "./picture";
import type { Brush, Drawn, Look, Place } from "./styles";
import { pathOf } from "./styles";

export interface Scene {
  readonly selected: readonly { readonly thing: Drawn; readonly look: Look }[];
  readonly handles: readonly Handle[];
  readonly hovered: Shape | null;
  /** What is being drawn or pulled: shown in place of the cell it will become. */
  readonly sketch: Sketch | null;
}

export interface Sketch {
  /** Finished shapes, with the class they will have. */
  readonly shapes: readonly Drawn[];
  readonly look: Look;
  /** A line that is not closed yet, and whether a click now would close it. */
  readonly line?: { readonly points: readonly ImagePoint[]; readonly closes: boolean };
  /** The frame of a selection. */
  readonly frame?: Bounds;
  /** A length that is measured. */
  readonly ruler?: { readonly from: ImagePoint; readonly to: ImagePoint };
  /** Only a hint of what a click would place. */
  readonly isGhost?: boolean;
}

const HANDLE = 4.5;
const MIDDLE = 3;

export class OverlayLayer {
  readonly #canvas = document.createElement("canvas");
  readonly #brush: Brush;
  readonly #sceneOf: () => Scene;
  #isBlank = false;

  constructor(brush: Brush, sceneOf: () => Scene) {
    this.#brush = brush;
    this.#sceneOf = sceneOf;
    this.#canvas.className = "bench-layer";
  }

  readonly paint: Painter = (placement: Placement) => {
    const scene = this.#sceneOf();
    const isBlank = scene.selected.length === 0 && scene.hovered === null && scene.sketch === null;
    if (isBlank && this.#isBlank) return this.#canvas; // a canvas that is touched costs a copy of all its pixels
    this.#isBlank = isBlank;
    this.#canvas.hidden = isBlank;
    const context = sized(this.#canvas, placement);
    context.setTransform(placement.ratio, 0, 0, placement.ratio, 0, 0);
    context.clearRect(0, 0, placement.width, placement.height);
    if (scene.hovered) ring(context, [{ shape: scene.hovered }], placement, "rgb(255 255 255 / 70%)", 2);
    this.#paintSelected(context, scene, placement);
    if (scene.sketch) this.#paintSketch(context, scene.sketch, placement);
    for (const handle of scene.handles) paintHandle(context, handle, placement);
    return this.#canvas;
  };

  #paintSelected(context: CanvasRenderingContext2D, { selected }: Scene, place: Place): void {
    if (selected.length === 0) return;
    const shapes = selected.map(({ thing }) => thing);
    ring(context, shapes, place, "rgb(16 20 24 / 75%)", 9);
    ring(context, shapes, place, "#ffe45c", 7);
    for (const look of ["cell", "prediction"] as const) {
      const things = selected.filter((one) => one.look === look).map(({ thing }) => thing);
      this.#brush.paint(context, things, look, place, false);
    }
  }

  #paintSketch(context: CanvasRenderingContext2D, sketch: Sketch, place: Place): void {
    if (sketch.isGhost) context.globalAlpha = 0.55;
    this.#brush.paint(context, sketch.shapes, sketch.look, place, false);
    context.globalAlpha = 1;
    if (sketch.line) paintLine(context, sketch.line, place);
    if (sketch.frame) paintFrame(context, sketch.frame, place);
    if (sketch.ruler) paintRuler(context, sketch.ruler, place);
  }
}

function ring(
  context: CanvasRenderingContext2D,
  shapes: readonly { readonly shape: Shape }[],
  place: Place,
  colour: string,
  width: number,
): void {
  context.lineWidth = width;
  context.strokeStyle = colour;
  for (let from = 0; from < shapes.length; from += 64) context.stroke(pathOf(shapes.slice(from, from + 64), place));
}

function paintHandle(context: CanvasRenderingContext2D, { id, at }: Handle, { left, top, scale }: Place): void {
  if (id === "centre") return; // it would cover the nucleus, and a circle is moved by its inside
  const [x, y] = [(at.x - left) * scale, (at.y - top) * scale];
  const isMiddle = id.startsWith("middle");
  const half = isMiddle ? MIDDLE : HANDLE;
  context.beginPath();
  if (isMiddle) context.arc(x, y, half, 0, 2 * Math.PI);
  else context.rect(x - half, y - half, 2 * half, 2 * half);
  context.fillStyle = isMiddle ? "rgb(255 255 255 / 75%)" : "#ffffff";
  context.fill();
  context.lineWidth = 1.5;
  context.strokeStyle = "#101418";
  context.stroke();
}

function paintLine(context: CanvasRenderingContext2D, line: NonNullable<Sketch["line"]>, place: Place): void {
  const places = line.points.map(({ x, y }): [number, number] => [
    (x - place.left) * place.scale,
    (y - place.top) * place.scale,
  ]);
  const [first] = places;
  if (first === undefined) return;
  const path = new Path2D();
  places.forEach(([x, y], index) => {
    if (index === 0) path.moveTo(x, y);
    else path.lineTo(x, y);
  });
  context.lineWidth = 4;
  context.strokeStyle = "rgb(16 20 24 / 70%)";
  context.stroke(path);
  context.lineWidth = 2;
  context.strokeStyle = "#ffe45c";
  context.stroke(path);
  context.beginPath();
  context.arc(first[0], first[1], line.closes ? 8 : 5, 0, 2 * Math.PI);
  context.fillStyle = line.closes ? "#ffe45c" : "#ffffff";
  context.fill();
  context.lineWidth = 1.5;
  context.strokeStyle = "#101418";
  context.stroke();
}

function paintFrame(context: CanvasRenderingContext2D, { x0, y0, x1, y1 }: Bounds, { left, top, scale }: Place): void {
  const rectangle = [(x0 - left) * scale, (y0 - top) * scale, (x1 - x0) * scale, (y1 - y0) * scale] as const;
  context.fillStyle = "rgb(255 228 92 / 12%)";
  context.fillRect(...rectangle);
  context.lineWidth = 1.5;
  context.setLineDash([4, 3]);
  context.strokeStyle = "#ffe45c";
  context.strokeRect(...rectangle);
  context.setLineDash([]);
}

/** A line with a short stroke across each end, dark under light: seen on any stain. */
function paintRuler(context: CanvasRenderingContext2D, { from, to }: NonNullable<Sketch["ruler"]>, { left, top, scale }: Place): void {
  const [x0, y0, x1, y1] = [(from.x - left) * scale, (from.y - top) * scale, (to.x - left) * scale, (to.y - top) * scale];
  const length = Math.hypot(x1 - x0, y1 - y0) || 1;
  const [across, along] = [(-(y1 - y0) / length) * 7, ((x1 - x0) / length) * 7];
  const path = new Path2D();
  path.moveTo(x0, y0);
  path.lineTo(x1, y1);
  for (const [x, y] of [[x0, y0], [x1, y1]] as const) {
    path.moveTo(x - across, y - along);
    path.lineTo(x + across, y + along);
  }
  for (const [colour, width] of [["rgb(16 20 24 / 75%)", 4.5], ["#ffffff", 2]] as const) {
    context.lineWidth = width;
    context.strokeStyle = colour;
    context.stroke(path);
  }
}
