/** A circle round a cell: the weak label, drawn from its centre. `points` are cx, cy, r. */

import type { Bounds, ImagePoint } from "../geometry/points";
import { distance, imagePoint } from "../geometry/points";
import type { Shape } from "../types";
import type { Handle } from "./handles";

/** Corners of the contour that a circle becomes. */
const CORNERS = 32;

export function circle(centre: ImagePoint, radius: number): Shape {
  return { kind: "circle", points: [centre.x, centre.y, radius] };
}

export function centreOf(shape: Shape): ImagePoint {
  return imagePoint(shape.points[0] ?? 0, shape.points[1] ?? 0);
}

export function radiusOf(shape: Shape): number {
  return shape.points[2] ?? 0;
}

export function circleBounds(shape: Shape): Bounds {
  const [{ x, y }, r] = [centreOf(shape), radiusOf(shape)];
  return { x0: x - r, y0: y - r, x1: x + r, y1: y + r };
}

export function circleContains(shape: Shape, point: ImagePoint): boolean {
  return distance(centreOf(shape), point) <= radiusOf(shape);
}

export function circleHandles(shape: Shape): Handle[] {
  const centre = centreOf(shape);
  return [
    { id: "centre", at: centre },
    { id: "radius", at: imagePoint(centre.x + radiusOf(shape), centre.y) },
  ];
}

/** The centre is moved; pulled at the radius the circle stays a circle round the same centre. */
export function circleResized(shape: Shape, handle: string, to: ImagePoint): Shape {
  return handle === "centre" ? circle(to, radiusOf(shape)) : circle(centreOf(shape), distance(centreOf(shape), to));
}

/** A contour of the same area. */
export function circleToContour(shape: Shape): Shape {
  const [centre, step] = [centreOf(shape), (2 * Math.PI) / CORNERS];
  const radius = radiusOf(shape) * Math.sqrt(step / Math.sin(step));
  const points = Array.from({ length: CORNERS }, (_, index) => index * step).flatMap((turn) => [
    centre.x + radius * Math.cos(turn),
    centre.y + radius * Math.sin(turn),
  ]);
  return { kind: "contour", points };
}
