/** What all shapes can do, whatever their kind. */

import type { Bounds, ImagePoint } from "../geometry/points";
import { imagePoint } from "../geometry/points";
import { area as areaOf, bounds as boundsOf, centroid, contains as ringContains } from "../geometry/polygon";
import type { Shape } from "../types";
import { boxBounds, boxHandles, boxResized, boxToContour } from "./box";
import { centreOf, circle, circleBounds, circleContains, circleHandles, circleResized, circleToContour, radiusOf } from "./circle";
import { contourHandles, contourResized } from "./contour";
import type { Handle } from "./handles";

export { box } from "./box";
export { centreOf, circle, radiusOf } from "./circle";
export { contour, contourDrawn, cornerRemoved } from "./contour";
export { faultOf } from "./faults";
export type { Handle } from "./handles";

export function bounds(shape: Shape): Bounds {
  if (shape.kind === "circle") return circleBounds(shape);
  return shape.kind === "box" ? boxBounds(shape) : boundsOf(shape.points);
}

export function contains(shape: Shape, point: ImagePoint): boolean {
  if (shape.kind === "circle") return circleContains(shape, point);
  if (shape.kind === "contour") return ringContains(shape.points, point);
  const { x0, y0, x1, y1 } = boxBounds(shape);
  return point.x >= x0 && point.x <= x1 && point.y >= y0 && point.y <= y1;
}

/** Square pixels. */
export function area(shape: Shape): number {
  if (shape.kind === "circle") return Math.PI * radiusOf(shape) ** 2;
  if (shape.kind === "contour") return areaOf(shape.points);
  const { x0, y0, x1, y1 } = boxBounds(shape);
  return (x1 - x0) * (y1 - y0);
}

/** Of the circle of the same area, in pixels: the figure that a reader compares. */
export function diameter(shape: Shape): number {
  return 2 * Math.sqrt(area(shape) / Math.PI);
}

export function middle(shape: Shape): ImagePoint {
  if (shape.kind === "circle") return centreOf(shape);
  if (shape.kind === "contour") return centroid(shape.points);
  const { x0, y0, x1, y1 } = boxBounds(shape);
  return imagePoint((x0 + x1) / 2, (y0 + y1) / 2);
}

export function moved(shape: Shape, dx: number, dy: number): Shape {
  if (shape.kind === "circle") return circle(imagePoint(centreOf(shape).x + dx, centreOf(shape).y + dy), radiusOf(shape));
  return { kind: shape.kind, points: shape.points.map((value, index) => value + (index % 2 ? dy : dx)) };
}

/** Larger or smaller round its middle. */
export function scaled(shape: Shape, factor: number): Shape {
  const { x, y } = middle(shape);
  if (shape.kind === "circle") return circle(centreOf(shape), radiusOf(shape) * factor);
  const grown = (value: number, index: number): number => (index % 2 ? y : x) + (value - (index % 2 ? y : x)) * factor;
  return { kind: shape.kind, points: shape.points.map(grown) };
}

export function handles(shape: Shape): Handle[] {
  if (shape.kind === "circle") return circleHandles(shape);
  return shape.kind === "box" ? boxHandles(shape) : contourHandles(shape);
}

/** The shape with the handle of this id pulled to a place. */
export function resized(shape: Shape, handle: string, to: ImagePoint): Shape {
  if (shape.kind === "circle") return circleResized(shape, handle, to);
  return shape.kind === "box" ? boxResized(shape, handle, to) : contourResized(shape, handle, to);
}

export function toContour(shape: Shape): Shape {
  if (shape.kind === "circle") return circleToContour(shape);
  return shape.kind === "box" ? boxToContour(shape) : shape;
}

/** The smallest change that puts it on the field: corners to the border, the centre of a circle inside. */
export function clamped(shape: Shape, field: { readonly width: number; readonly height: number }): Shape {
  const limit = (value: number, index: number): number =>
    Math.min(index % 2 ? field.height : field.width, Math.max(0, value));
  const count = shape.kind === "circle" ? 2 : shape.points.length;
  return { kind: shape.kind, points: shape.points.map((value, index) => (index < count ? limit(value, index) : value)) };
}
