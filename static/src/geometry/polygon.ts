/** Mathematics of polygons given as x, y, x, y, ... without repeating the first corner. */

import type { Bounds, ImagePoint } from "./points";
import { imagePoint } from "./points";

export type Ring = readonly number[];

export function corners(ring: Ring): ImagePoint[] {
  const found: ImagePoint[] = [];
  for (let index = 0; index + 1 < ring.length; index += 2) found.push(imagePoint(at(ring, index), at(ring, index + 1)));
  return found;
}

export function ringOf(points: readonly ImagePoint[]): number[] {
  return points.flatMap((point) => [point.x, point.y]);
}

export function bounds(ring: Ring): Bounds {
  let [x0, y0, x1, y1] = [Infinity, Infinity, -Infinity, -Infinity];
  for (let index = 0; index + 1 < ring.length; index += 2) {
    const [x, y] = [at(ring, index), at(ring, index + 1)];
    if (x < x0) x0 = x;
    if (x > x1) x1 = x;
    if (y < y0) y0 = y;
    if (y > y1) y1 = y;
  }
  return { x0, y0, x1, y1 };
}

/** Square pixels, below zero for corners that run anticlockwise on the screen. Exact far from the origin. */
export function signedArea(ring: Ring): number {
  const [left, top] = [at(ring, 0), at(ring, 1)];
  let turned = 0;
  for (let index = 0; index + 1 < ring.length; index += 2) {
    const next = (index + 2) % ring.length;
    turned += (at(ring, index) - left) * (at(ring, next + 1) - top);
    turned -= (at(ring, next) - left) * (at(ring, index + 1) - top);
  }
  return turned / 2;
}

export function area(ring: Ring): number {
  return Math.abs(signedArea(ring));
}

/** The centre of mass; the middle of the bounds where there is no area. */
export function centroid(ring: Ring): ImagePoint {
  const whole = signedArea(ring);
  const { x0, y0, x1, y1 } = bounds(ring);
  if (Math.abs(whole) < 1e-9) return imagePoint((x0 + x1) / 2, (y0 + y1) / 2);
  let [sumX, sumY] = [0, 0];
  for (let index = 0; index + 1 < ring.length; index += 2) {
    const next = (index + 2) % ring.length;
    const [ax, ay] = [at(ring, index) - x0, at(ring, index + 1) - y0];
    const [bx, by] = [at(ring, next) - x0, at(ring, next + 1) - y0];
    const turned = ax * by - bx * ay;
    sumX += (ax + bx) * turned;
    sumY += (ay + by) * turned;
  }
  return imagePoint(x0 + sumX / (6 * whole), y0 + sumY / (6 * whole));
}

/** Whether the point lies inside, by the even-odd rule. */
export function contains(ring: Ring, point: ImagePoint): boolean {
  let inside = false;
  for (let index = 0, last = ring.length - 2; index + 1 < ring.length; last = index, index += 2) {
    const [ax, ay, bx, by] = [at(ring, index), at(ring, index + 1), at(ring, last), at(ring, last + 1)];
    if (ay > point.y !== by > point.y && point.x < ((bx - ax) * (point.y - ay)) / (by - ay) + ax) inside = !inside;
  }
  return inside;
}

/** Where the outline meets itself, null when it does not. Edges that only share their common corner are fine. */
export function selfCrossing(ring: Ring): ImagePoint | null {
  const points = corners(ring);
  const edges = points.map((from, index) => edgeOf(from, points[(index + 1) % points.length] ?? from, index));
  // Swept from left to right: only edges that overlap in x can meet.
  edges.sort((one, other) => one.x0 - other.x0);
  for (const [index, edge] of edges.entries()) {
    for (let later = index + 1; later < edges.length; later++) {
      const other = edges[later];
      if (other === undefined || other.x0 > edge.x1) break;
      if (other.y0 > edge.y1 || other.y1 < edge.y0) continue;
      const met = meeting(edge, other, points.length);
      if (met) return met;
    }
  }
  return null;
}

/** Fewer corners, none of the left out ones further than `tolerance` from the outline (Ramer, Douglas, Peucker). */
export function simplified(ring: Ring, tolerance: number): number[] {
  const points = withoutRepeats(corners(ring));
  if (points.length <= 3) return ringOf(points);
  // A ring has no ends: it is cut at its first corner and at the one furthest from that.
  const first = points[0] ?? imagePoint(0, 0);
  let furthest = 1;
  for (const [index, point] of points.entries()) {
    if (squared(point, first) > squared(points[furthest] ?? first, first)) furthest = index;
  }
  const there = thinned(points.slice(0, furthest + 1), tolerance);
  const back = thinned([...points.slice(furthest), first], tolerance);
  const kept = [...there.slice(0, -1), ...back.slice(0, -1)];
  return ringOf(kept.length >= 3 ? kept : points);
}

interface Edge {
  readonly from: ImagePoint;
  readonly to: ImagePoint;
  readonly index: number;
  readonly x0: number;
  readonly x1: number;
  readonly y0: number;
  readonly y1: number;
}

function edgeOf(from: ImagePoint, to: ImagePoint, index: number): Edge {
  const [x0, x1] = [Math.min(from.x, to.x), Math.max(from.x, to.x)];
  return { from, to, index, x0, x1, y0: Math.min(from.y, to.y), y1: Math.max(from.y, to.y) };
}

function meeting(one: Edge, other: Edge, count: number): ImagePoint | null {
  const apart = Math.abs(one.index - other.index);
  if (apart === 1 || apart === count - 1) return folded(one, other, count);
  const sides = [
    side(one.from, one.to, other.from),
    side(one.from, one.to, other.to),
    side(other.from, other.to, one.from),
    side(other.from, other.to, one.to),
  ] as const;
  if (sides[0] * sides[1] < 0 && sides[2] * sides[3] < 0) {
    const share = sides[2] / (sides[2] - sides[3]);
    return imagePoint(one.from.x + share * (one.to.x - one.from.x), one.from.y + share * (one.to.y - one.from.y));
  }
  if (sides[0] === 0 && within(one, other.from)) return other.from;
  if (sides[1] === 0 && within(one, other.to)) return other.to;
  if (sides[2] === 0 && within(other, one.from)) return one.from;
  if (sides[3] === 0 && within(other, one.to)) return one.to;
  return null;
}

/** Neighbouring edges share a corner; they meet elsewhere only when the second runs back over the first. */
function folded(one: Edge, other: Edge, count: number): ImagePoint | null {
  const [before, after] = (one.index + 1) % count === other.index ? [one, other] : [other, one];
  const shared = after.from;
  if (side(before.from, shared, after.to) !== 0) return null;
  const along =
    (before.from.x - shared.x) * (after.to.x - shared.x) + (before.from.y - shared.y) * (after.to.y - shared.y);
  return along > 0 ? shared : null;
}

function side(from: ImagePoint, to: ImagePoint, point: ImagePoint): number {
  return (to.x - from.x) * (point.y - from.y) - (to.y - from.y) * (point.x - from.x);
}

function within(edge: Edge, point: ImagePoint): boolean {
  return point.x >= edge.x0 && point.x <= edge.x1 && point.y >= edge.y0 && point.y <= edge.y1;
}

function thinned(points: readonly ImagePoint[], tolerance: number): ImagePoint[] {
  const keep = new Set([0, points.length - 1]);
  const parts: [number, number][] = [[0, points.length - 1]];
  for (let part = parts.pop(); part; part = parts.pop()) {
    const [start, end] = part;
    let [worst, far] = [0, -1];
    for (let index = start + 1; index < end; index++) {
      const off = distanceToSegment(points[index], points[start], points[end]);
      if (off > worst) [worst, far] = [off, index];
    }
    if (worst > tolerance && far > 0) {
      keep.add(far);
      parts.push([start, far], [far, end]);
    }
  }
  return points.filter((_, index) => keep.has(index));
}

function distanceToSegment(point?: ImagePoint, from?: ImagePoint, to?: ImagePoint): number {
  if (!point || !from || !to) return 0;
  const length = squared(from, to);
  const along = length === 0 ? 0 : ((point.x - from.x) * (to.x - from.x) + (point.y - from.y) * (to.y - from.y)) / length;
  const share = Math.min(1, Math.max(0, along));
  return Math.hypot(point.x - from.x - share * (to.x - from.x), point.y - from.y - share * (to.y - from.y));
}

function withoutRepeats(points: readonly ImagePoint[]): ImagePoint[] {
  return points.filter((point, index) => {
    const last = points[(index + points.length - 1) % points.length];
    return points.length === 1 || last?.x !== point.x || last.y !== point.y;
  });
}

function squared(one: ImagePoint, other: ImagePoint): number {
  return (one.x - other.x) ** 2 + (one.y - other.y) ** 2;
}

function at(ring: Ring, index: number): number {
  return ring[index] ?? 0;
}
