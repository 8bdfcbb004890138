/** Where a circle or box says that the cell is, and how much of the picture is needed to look for it. */

import type { Bounds } from "../geometry/points";
import type { Shape } from "../types";
import type { Ellipse } from "./picture";
import { REACH, UNIT } from "./picture";

interface Size {
  readonly width: number;
  readonly height: number;
}

/** A drawn circle times this agrees best with the cell: it covers it with some room. Flat from 0.89 to 0.915. */
export const SHRINK = 0.905;
/** A box fits its cell, so the circle that would have been drawn is larger. */
const ROOM = 1 / 0.93;
/** A box this near to the border, in pixels, is of a cell that the border cuts. */
const NEAR = 1.5;
const CORNERS = 64;

/** The circle, or the ellipse in the box with the room that circles leave. A contour has none: null. */
export function ellipseOf(shape: Shape, field: Size): Ellipse | null {
  const [a = 0, b = 0, c = 0, d = 0] = shape.points;
  if (shape.kind === "circle") return { x: a, y: b, rx: c, ry: c };
  if (shape.kind === "contour") return null;
  const [across, down] = [c - a, d - b];
  const [x, rx] = whole(a, c, field.width, down);
  const [y, ry] = whole(b, d, field.height, across);
  return { x, y, rx: rx * ROOM, ry: ry * ROOM };
}

/** Along one axis the middle and half the length of what the box shows a part of, where the border cuts it off. */
function whole(from: number, to: number, size: number, other: number): readonly [number, number] {
  const half = (to - from) / 2;
  const [isCutBefore, isCutBehind] = [from < NEAR, to > size - NEAR];
  if (isCutBefore === isCutBehind) return [from + half, half];
  // As long as it is broad, but never with its middle outside the field.
  const reach = Math.min(to - from, Math.max(half, other / 2));
  return isCutBefore ? [to - reach, reach] : [from + reach, reach];
}

/** The part of the field, in whole pixels, that is looked at for a cell there. */
export function around({ x, y, rx, ry }: Ellipse, field: Size): Bounds {
  const reach = REACH / UNIT;
  return {
    x0: Math.max(0, Math.floor(x - reach * rx) - 1),
    y0: Math.max(0, Math.floor(y - reach * ry) - 1),
    x1: Math.min(field.width, Math.ceil(x + reach * rx) + 1),
    y1: Math.min(field.height, Math.ceil(y + reach * ry) + 1),
  };
}

/** The same place in a picture that begins at the upper left corner of `part`. */
export function within({ x, y, rx, ry }: Ellipse, part: Bounds): Ellipse {
  return { x: x - part.x0, y: y - part.y0, rx, ry };
}

/** The contour that never looks: the ellipse, shrunk by what circles leave free. */
export function shrunk({ x, y, rx, ry }: Ellipse): Shape {
  const points = Array.from({ length: CORNERS }, (_, corner) => (2 * Math.PI * corner) / CORNERS).flatMap((turn) => [
    x + SHRINK * rx * Math.cos(turn),
    y + SHRINK * ry * Math.sin(turn),
  ]);
  return { kind: "contour", points };
}
