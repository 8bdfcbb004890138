/** Why a shape cannot be a cell, said before it is sent. The server checks the same and has the last word. */

import { area, bounds as boundsOf, selfCrossing } from "../geometry/polygon";
import type { Shape } from "../types";

/** As the server has it: a box or contour may stick out by the rounding of whatever wrote it. */
const BORDER_SLACK = 1;

interface Size {
  readonly width: number;
  readonly height: number;
}

/** Why `shape` cannot lie on a field of that size, in plain words with what to do; null when it can. */
export function faultOf(shape: Shape, field: Size): string | null {
  if (!shape.points.every(Number.isFinite)) return "A coordinate is not a number. Draw the cell again.";
  if (shape.kind === "circle") return faultOfCircle(shape, field);
  return shape.kind === "box" ? faultOfBox(shape, field) : faultOfContour(shape, field);
}

function faultOfCircle(shape: Shape, field: Size): string | null {
  const [x = 0, y = 0, r = 0] = shape.points;
  if (shape.points.length !== 3) return "A circle needs a centre and a radius. Draw the cell again.";
  if (r <= 0) return "The circle has no size. Drag from the middle of the cell to its edge.";
  if (r > Math.max(field.width, field.height)) return "The circle is larger than the field. Draw it round one cell.";
  if (x < 0 || y < 0 || x > field.width || y > field.height) {
    return "The middle of the circle lies outside the field. Move it inside.";
  }
  return null;
}

function faultOfBox(shape: Shape, field: Size): string | null {
  const [x0 = 0, y0 = 0, x1 = 0, y1 = 0] = shape.points;
  if (shape.points.length !== 4) return "A box needs two corners. Draw the cell again.";
  if (x1 <= x0 || y1 <= y0) return "The box has no size. Drag from one corner to the opposite one.";
  return isOutside(x0, y0, x1, y1, field) ? "The box reaches outside the field. Draw it inside." : null;
}

function faultOfContour(shape: Shape, field: Size): string | null {
  if (shape.points.length < 6 || shape.points.length % 2) return "A contour needs three corners. Go on drawing round the cell.";
  const { x0, y0, x1, y1 } = boundsOf(shape.points);
  if (isOutside(x0, y0, x1, y1, field)) return "The contour reaches outside the field. Draw it inside.";
  const crossing = selfCrossing(shape.points);
  if (crossing === null) return area(shape.points) > 0 ? null : "The contour encloses nothing. Draw round the cell.";
  const where = `${Math.round(crossing.x)}, ${Math.round(crossing.y)}`;
  return `The contour crosses itself near ${where}. Move a corner until it does not, or draw it again.`;
}

function isOutside(x0: number, y0: number, x1: number, y1: number, field: Size): boolean {
  return x0 < -BORDER_SLACK || y0 < -BORDER_SLACK || x1 > field.width + BORDER_SLACK || y1 > field.height + BORDER_SLACK;
}
