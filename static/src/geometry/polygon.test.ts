import fc from "fast-check";
import { describe, expect, test } from "vitest";

import type { ImagePoint } from "./points";
import { distance, imagePoint } from "./points";
import { area, bounds, centroid, contains, corners, ringOf, selfCrossing, signedArea, simplified } from "./polygon";

const SQUARE = [0, 0, 10, 0, 10, 10, 0, 10];
const BOW = [0, 0, 10, 10, 10, 0, 0, 10];

/** A ring that never crosses itself: corners at growing angles round a middle, none of the gaps half a turn. */
const stars = fc
  .record({
    x: fc.integer({ min: 0, max: 4000 }),
    y: fc.integer({ min: 0, max: 3000 }),
    radii: fc.array(fc.integer({ min: 5, max: 80 }), { minLength: 5, maxLength: 40 }),
  })
  .map(({ x, y, radii }) => ({ middle: imagePoint(x, y), ring: star(x, y, radii) }));

function star(x: number, y: number, radii: readonly number[]): number[] {
  const step = (2 * Math.PI) / radii.length;
  return radii.flatMap((radius, index) => [x + radius * Math.cos(index * step), y + radius * Math.sin(index * step)]);
}

/** The plain way, each edge with each other one. */
function crossesAnywhere(ring: readonly number[]): boolean {
  const points = corners(ring);
  const edges = points.map((point, index) => [point, points[(index + 1) % points.length] ?? point] as const);
  return edges.some(([a, b], one) =>
    edges.some(([c, d], other) => {
      const apart = Math.abs(one - other);
      if (apart <= 1 || apart === edges.length - 1) return false;
      return turn(a, b, c) * turn(a, b, d) < 0 && turn(c, d, a) * turn(c, d, b) < 0;
    }),
  );
}

function turn(a: ImagePoint, b: ImagePoint, c: ImagePoint): number {
  return (b.x - a.x) * (c.y - a.y) - (b.y - a.y) * (c.x - a.x);
}

describe("area", () => {
  test("of a square, whichever way round", () => {
    expect(signedArea(SQUARE)).toBe(100);
    expect(signedArea(ringOf(corners(SQUARE).reverse()))).toBe(-100);
    expect(centroid(SQUARE)).toEqual(imagePoint(5, 5));
  });

  test("does not change when the polygon is moved far away", () => {
    fc.assert(
      fc.property(stars, ({ ring }) => {
        const far = ring.map((value) => value + 1_000_000);
        expect(area(far)).toBeCloseTo(area(ring), 3);
        expect(centroid(far).x).toBeCloseTo(centroid(ring).x + 1_000_000, 3);
      }),
    );
  });

  test("is what a grid of points inside counts", () => {
    fc.assert(
      fc.property(stars, ({ ring }) => {
        const { x0, y0, x1, y1 } = bounds(ring);
        const step = Math.max(x1 - x0, y1 - y0) / 150;
        let inside = 0;
        for (let x = x0 + step / 2; x < x1; x += step) {
          for (let y = y0 + step / 2; y < y1; y += step) if (contains(ring, imagePoint(x, y))) inside++;
        }
        const counted = inside * step ** 2;
        expect(Math.abs(counted - area(ring))).toBeLessThan(0.05 * area(ring) + 8 * step ** 2);
      }),
      { numRuns: 20 },
    );
  });
});

describe("crossing", () => {
  test("is found where it is", () => {
    expect(selfCrossing(SQUARE)).toBeNull();
    expect(selfCrossing(BOW)).toEqual(imagePoint(5, 5));
  });

  test("an outline that touches itself or runs back over itself crosses", () => {
    expect(selfCrossing([0, 0, 10, 0, 5, 0, 5, 10])).not.toBeNull();
    expect(selfCrossing([0, 0, 10, 0, 10, 10, 5, 0, 0, 10])).toEqual(imagePoint(5, 0));
  });

  test("a star has none, and swapping two corners of it is seen as the plain way sees it", () => {
    fc.assert(
      fc.property(stars, fc.nat(), fc.nat(), ({ ring }, one, other) => {
        expect(selfCrossing(ring)).toBeNull();
        const points = corners(ring);
        const [a, b] = [one % points.length, other % points.length];
        const swapped = ringOf(points.with(a, points[b] ?? imagePoint(0, 0)).with(b, points[a] ?? imagePoint(0, 0)));
        expect(selfCrossing(swapped) !== null).toBe(crossesAnywhere(swapped));
      }),
    );
  });
});

describe("simplifying", () => {
  test("leaves out only corners that lie near the outline, and adds none", () => {
    fc.assert(
      fc.property(stars, fc.double({ min: 0.1, max: 5, noNaN: true }), ({ ring }, tolerance) => {
        const fewer = corners(simplified(ring, tolerance));
        const all = corners(ring);
        expect(fewer.length).toBeGreaterThanOrEqual(3);
        expect(fewer.every((point) => all.some((one) => one.x === point.x && one.y === point.y))).toBe(true);
        for (const point of all) expect(toOutline(point, fewer)).toBeLessThanOrEqual(tolerance + 1e-6);
      }),
    );
  });

  test("a hand's steps on a straight line go", () => {
    const line = Array.from({ length: 50 }, (_, index) => [index, 0]).flat();
    expect(simplified([...line, 49, 40, 0, 40], 0.5)).toEqual([0, 0, 49, 0, 49, 40, 0, 40]);
  });
});

function toOutline(point: ImagePoint, ring: readonly ImagePoint[]): number {
  return Math.min(
    ...ring.map((from, index) => {
      const to = ring[(index + 1) % ring.length] ?? from;
      const length = distance(from, to);
      const along = length === 0 ? 0 : ((point.x - from.x) * (to.x - from.x) + (point.y - from.y) * (to.y - from.y)) / length ** 2;
      const share = Math.min(1, Math.max(0, along));
      return distance(point, imagePoint(from.x + share * (to.x - from.x), from.y + share * (to.y - from.y)));
    }),
  );
}
