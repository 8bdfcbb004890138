/** A box: x0, y0, x1, y1, with x0 < x1 and y0 < y1. */

import type { Bounds, ImagePoint } from "../geometry/points";
import { imagePoint } from "../geometry/points";
import type { Shape } from "../types";
import type { Handle } from "./handles";

export function box(one: ImagePoint, other: ImagePoint): Shape {
  const [xs, ys] = [[one.x, other.x], [one.y, other.y]];
  return { kind: "box", points: [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)] };
}

export function boxBounds(shape: Shape): Bounds {
  const [x0 = 0, y0 = 0, x1 = 0, y1 = 0] = shape.points;
  return { x0, y0, x1, y1 };
}

export function boxHandles(shape: Shape): Handle[] {
  const { x0, y0, x1, y1 } = boxBounds(shape);
  const [x, y] = [(x0 + x1) / 2, (y0 + y1) / 2];
  const places: [string, number, number][] = [
    ["nw", x0, y0],
    ["n", x, y0],
    ["ne", x1, y0],
    ["e", x1, y],
    ["se", x1, y1],
    ["s", x, y1],
    ["sw", x0, y1],
    ["w", x0, y],
  ];
  return places.map(([id, left, top]) => ({ id, at: imagePoint(left, top) }));
}

/** Moves the sides that the handle names; pulled over the opposite side the box turns round. */
export function boxResized(shape: Shape, handle: string, to: ImagePoint): Shape {
  const { x0, y0, x1, y1 } = boxBounds(shape);
  const west = handle.includes("w") ? to.x : x0;
  const east = handle.includes("e") ? to.x : x1;
  const north = handle.includes("n") ? to.y : y0;
  const south = handle.includes("s") ? to.y : y1;
  return box(imagePoint(west, north), imagePoint(east, south));
}

export function boxToContour(shape: Shape): Shape {
  const { x0, y0, x1, y1 } = boxBounds(shape);
  return { kind: "contour", points: [x0, y0, x1, y0, x1, y1, x0, y1] };
}
