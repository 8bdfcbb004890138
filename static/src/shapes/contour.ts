/** A contour: the outline of a cell, x, y, x, y, ... without repeating its first corner. */

import type { ImagePoint } from "../geometry/points";
import { imagePoint } from "../geometry/points";
import { corners, ringOf, simplified } from "../geometry/polygon";
import type { Shape } from "../types";
import type { Handle } from "./handles";

/** How far, in field pixels, a drawn outline may be smoothed: below what an eye sees at 100 %. */
export const TOLERANCE = 0.5;

export function contour(points: readonly ImagePoint[]): Shape {
  return { kind: "contour", points: ringOf(points) };
}

/** A contour of what a hand drew: without corners that add nothing. */
export function contourDrawn(points: readonly ImagePoint[], tolerance = TOLERANCE): Shape {
  return { kind: "contour", points: simplified(ringOf(points), tolerance) };
}

export function contourHandles(shape: Shape): Handle[] {
  const points = corners(shape.points);
  return points.flatMap((point, index) => {
    const next = points[(index + 1) % points.length] ?? point;
    return [
      { id: `corner ${index}`, at: point },
      { id: `middle ${index}`, at: imagePoint((point.x + next.x) / 2, (point.y + next.y) / 2) },
    ];
  });
}

/** Moves a corner, or pulls a new one out of the middle of an edge. */
export function contourResized(shape: Shape, handle: string, to: ImagePoint): Shape {
  const [what, number] = handle.split(" ");
  const index = Number(number);
  const points = corners(shape.points);
  if (!(index >= 0 && index < points.length)) return shape;
  return contour(what === "middle" ? points.toSpliced(index + 1, 0, to) : points.with(index, to));
}

/** Without this corner; the last three stay. */
export function cornerRemoved(shape: Shape, handle: string): Shape {
  const points = corners(shape.points);
  const index = Number(handle.replace("corner ", ""));
  return points.length > 3 && index >= 0 && index < points.length ? contour(points.toSpliced(index, 1)) : shape;
}
