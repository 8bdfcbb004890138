/**
 * Rings joined, cut and divided, by polyclip-ts (Martinez, Rueda, Feito 2009, in exact arithmetic). A contour is one simple
 * ring: whatever would be several, or have a hole, is answered by the word for it, and never made to fit.
 */

import type { Geom } from "polyclip-ts";
import { difference, intersection, union } from "polyclip-ts";

import type { ImagePoint } from "./points";
import { imagePoint } from "./points";
import type { Ring } from "./polygon";
import { area, bounds, centroid, corners } from "./polygon";

/** What keeps a result from being one ring: nothing is left; it is in parts; it has a hole; nothing has changed. */
export type Obstacle = "nothing" | "parts" | "hole" | "same";
export type Joined = readonly number[] | Obstacle;

/** Square pixels: a splinter smaller than this is what rounding leaves, and no part. */
const SPLINTER = 0.5;
/** As a share of the area: loops that an eye does not see when it closes a line. */
const LOOPS = 0.05;
/** Steps of the arc that closes a line on its far side. */
const ARC = Math.PI / 18;

/** Both together. "parts" where they do not touch. */
export function joined(one: Ring, other: Ring): Joined {
  return oneRing(union(polygonOf(one), polygonOf(other)), one);
}

/** The first without the second. */
export function without(one: Ring, other: Ring): Joined {
  return oneRing(difference(polygonOf(one), polygonOf(other)), one);
}

/**
 * The two parts into which a line cuts a ring, the larger first; null where it does not cut it into two whole ones. The
 * line has to begin and end outside.
 */
export function divided(ring: Ring, line: readonly ImagePoint[]): readonly [number[], number[]] | null {
  const side = polygonOf(sideOf(ring, line));
  const one = oneRing(intersection(polygonOf(ring), side), []);
  const other = oneRing(difference(polygonOf(ring), side), []);
  if (typeof one === "string" || typeof other === "string") return null;
  const [first, second] = [[...one], [...other]];
  return area(first) >= area(second) ? [first, second] : [second, first];
}

/**
 * The ring without the small loops that a hand makes where its line meets itself; null where what is left out would be
 * more than `LOOPS` of the whole: then the line says two things.
 */
export function untangled(ring: Ring): Ring | null {
  const parts = union(polygonOf(ring)).flatMap(([outer]) => (outer ? [ringFrom(outer)] : []));
  const [largest, ...loops] = parts.sort((one, other) => area(other) - area(one));
  if (largest === undefined) return null;
  return loops.reduce((sum, loop) => sum + area(loop), 0) <= LOOPS * area(largest) ? largest : null;
}

/** All that lies on one side of a line: it is led away from the ring at both ends and closed far outside. */
function sideOf(ring: Ring, line: readonly ImagePoint[]): number[] {
  const { x, y } = centroid(ring);
  const { x0, y0, x1, y1 } = bounds([...ring, ...line.flatMap((point) => [point.x, point.y])]);
  const far = 2 * Math.hypot(x1 - x0, y1 - y0) + 1;
  const turnOf = (point: ImagePoint | undefined): number => Math.atan2((point?.y ?? y) - y, (point?.x ?? x) - x);
  const [start, end] = [turnOf(line[0]), turnOf(line.at(-1))];
  const turned = (start - end + 4 * Math.PI) % (2 * Math.PI);
  const steps = Math.max(1, Math.ceil(turned / ARC));
  const arc = Array.from({ length: steps + 1 }, (_, step) => end + (turned * step) / steps).map((turn) =>
    imagePoint(x + far * Math.cos(turn), y + far * Math.sin(turn)),
  );
  return [...line, ...arc].flatMap((point) => [point.x, point.y]);
}

function polygonOf(ring: Ring): Geom {
  return [corners(ring).map(({ x, y }): [number, number] => [x, y])];
}

function oneRing(found: readonly (readonly (readonly (readonly [number, number])[])[])[], before: Ring): Joined {
  const parts = found.map((rings) => rings.map(ringFrom).filter((ring) => area(ring) >= SPLINTER)).filter((rings) => rings.length > 0);
  const [first] = parts;
  const [ring, hole] = first ?? [];
  if (ring === undefined) return "nothing";
  if (parts.length > 1) return "parts";
  if (hole !== undefined) return "hole";
  return before.length > 0 && Math.abs(area(ring) - area(before)) < SPLINTER ? "same" : ring;
}

/** Without the first corner repeated at the end. */
function ringFrom(points: readonly (readonly [number, number])[]): number[] {
  return points.slice(0, -1).flatMap(([x, y]) => [x, y]);
}
