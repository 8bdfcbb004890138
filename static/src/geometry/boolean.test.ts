import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { divided, joined, untangled, without } from "./boolean";
import { imagePoint } from "./points";
import type { Ring } from "./polygon";
import { area, contains, selfCrossing } from "./polygon";

const SQUARE = [100, 100, 200, 100, 200, 200, 100, 200];

function square(x: number, y: number, size: number): number[] {
  return [x, y, x + size, y, x + size, y + size, x, y + size];
}

/** A ring that a hand might draw: round, more or less. */
const blobs = fc
  .tuple(fc.integer({ min: 60, max: 240 }), fc.integer({ min: 60, max: 240 }), fc.array(fc.integer({ min: 20, max: 60 }), { minLength: 5, maxLength: 24 }))
  .map(([x, y, radii]) => radii.flatMap((r, at) => [x + r * Math.cos((2 * Math.PI * at) / radii.length), y + r * Math.sin((2 * Math.PI * at) / radii.length)]));

function ringFrom(found: ReturnType<typeof joined>): Ring {
  if (typeof found === "string") throw new Error(found);
  return found;
}

describe("rings joined and cut", () => {
  test("two that overlap become one of both areas without what is twice", () => {
    expect(area(ringFrom(joined(SQUARE, square(150, 150, 100))))).toBeCloseTo(17_500);
    expect(area(ringFrom(without(SQUARE, square(150, 150, 100))))).toBeCloseTo(7_500);
  });

  test("what would not be one simple ring is named", () => {
    expect(joined(SQUARE, square(300, 300, 10))).toBe("parts");
    expect(joined(SQUARE, square(120, 120, 10))).toBe("same");
    expect(without(SQUARE, square(300, 300, 10))).toBe("same");
    expect(without(SQUARE, square(120, 120, 10))).toBe("hole");
    expect(without(SQUARE, square(90, 140, 120))).not.toBe("parts");
    expect(without(SQUARE, [90, 140, 210, 140, 210, 160, 90, 160])).toBe("parts");
    expect(without(SQUARE, square(50, 50, 300))).toBe("nothing");
    // A bracket round the open side of another one.
    const bracket = [150, 80, 260, 80, 260, 220, 150, 220, 150, 190, 230, 190, 230, 110, 150, 110];
    expect(joined(SQUARE, bracket)).toBe("hole");
  });

  test("a small loop where a line closes is left out; two loops of a size are two things", () => {
    const overshot = [100, 100, 200, 100, 200, 200, 100, 200, 103, 95, 100, 96];
    const found = untangled(overshot);
    expect(selfCrossing(overshot)).not.toBeNull();
    expect(area(found ?? [])).toBeGreaterThan(9_500);
    expect(selfCrossing(found ?? [])).toBeNull();
    expect(untangled([100, 100, 200, 200, 200, 100, 100, 200])).toBeNull();
    expect(untangled(SQUARE)).toHaveLength(8);
  });

  test("an answer is one simple ring, and areas add up", () => {
    fc.assert(
      fc.property(blobs, blobs, (one, other) => {
        const [both, rest] = [joined(one, other), without(one, other)];
        for (const found of [both, rest]) if (typeof found !== "string") expect(area(found)).toBeGreaterThan(0);
        // |A or B| = |A without B| + |B|, where each is one ring; splinters are no part of either.
        if (typeof both !== "string" && typeof rest !== "string") {
          expect(Math.abs(area(both) - area(rest) - area(other))).toBeLessThan(1);
        }
      }),
      { numRuns: 60 },
    );
  });
});

describe("a ring divided", () => {
  test("a line across makes two of all its area, the larger first", () => {
    const parts = divided(SQUARE, [imagePoint(130, 50), imagePoint(140, 150), imagePoint(130, 250)]);
    if (parts === null) throw new Error("it was not divided");
    const [larger, smaller] = parts;
    expect(area(larger) + area(smaller)).toBeCloseTo(10_000);
    expect(area(larger)).toBeGreaterThan(area(smaller));
    expect(contains(larger, imagePoint(170, 150))).toBe(true);
    expect(contains(smaller, imagePoint(120, 150))).toBe(true);
  });

  test("a line that ends inside, passes by, or makes three does not divide", () => {
    expect(divided(SQUARE, [imagePoint(50, 150), imagePoint(90, 250)])).toBeNull();
    expect(divided(SQUARE, [imagePoint(150, 50), imagePoint(150, 250), imagePoint(180, 250), imagePoint(180, 50)])).toBeNull();
  });

  test("any straight line through the middle of a round cell divides it", () => {
    fc.assert(
      fc.property(blobs, fc.double({ min: 0, max: 2 * Math.PI, noNaN: true }), (ring, turn) => {
        const x = ring.reduce((sum, value, at) => sum + (at % 2 ? 0 : value), 0) / (ring.length / 2);
        const y = ring.reduce((sum, value, at) => sum + (at % 2 ? value : 0), 0) / (ring.length / 2);
        const [dx, dy] = [200 * Math.cos(turn), 200 * Math.sin(turn)];
        const parts = divided(ring, [imagePoint(x - dx, y - dy), imagePoint(x + dx, y + dy)]);
        if (parts) expect(Math.abs(area(parts[0]) + area(parts[1]) - area(ring))).toBeLessThan(1);
      }),
      { numRuns: 60 },
    );
  });
});
