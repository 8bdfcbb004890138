import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { area, selfCrossing } from "../geometry/polygon";
import { outlineOf } from "./outline";
import type { Ellipse, Picture } from "./picture";
import { cellAt, CYTOPLASM, GROUND, iou, lcg, RED_CELL, scene } from "./scene.testing";

/** Only a machine that hangs takes so long. */
const PATIENCE_MS = 60_000;

function circle(x: number, y: number, r: number): Ellipse {
  return { x, y, rx: r, ry: r };
}

/** The contour that is found; fails where there is none. */
function found(picture: Picture, ellipse: Ellipse): number[] {
  const outcome = outlineOf(picture, ellipse);
  expect(outcome.fault).toBeNull();
  return outcome.points ?? [];
}

describe("a cell of known radius is found", () => {
  test.each([0, 6, 20])("under noise of %i grey levels, from a circle that is too large and beside it", (noise) => {
    const picture = scene(160, 160, cellAt(80, 80, 40), { noise });
    expect(iou(found(picture, circle(83, 78, 46)), { x: 80, y: 80, r: 40 }, picture)).toBeGreaterThan(0.95);
  });

  test.each([10, 20, 60, 150])("at a radius of %i px", (r) => {
    const middle = 1.7 * r;
    const picture = scene(2 * middle, 2 * middle, cellAt(middle, middle, r));
    expect(iou(found(picture, circle(1.73 * r, 1.68 * r, 1.1 * r)), { x: middle, y: middle, r }, picture)).toBeGreaterThan(0.93);
  });

  test.each<[string, (colour: readonly number[]) => number[]]>([
    ["bluish", ([r = 0, g = 0, b = 0]) => [0.8 * r, 0.9 * g, b]],
    ["reddish", ([r = 0, g = 0, b = 0]) => [r, 0.8 * g, 0.85 * b]],
    ["dark", (colour) => colour.map((value) => 0.5 * value)],
    ["pale", (colour) => colour.map((value) => 130 + 0.48 * value)],
    ["turned to grey", ([r = 0, g = 0, b = 0]) => [0, 0, 0].map(() => 0.3 * r + 0.6 * g + 0.1 * b)],
  ])("in a stain that is %s", (_, stain) => {
    const plain = scene(160, 160, cellAt(80, 80, 40));
    const data = plain.data.map((_value, at) => (at % 4 === 3 ? 255 : (stain([...plain.data.subarray(at - (at % 4), at - (at % 4) + 3)])[at % 4] ?? 0)));
    const picture = { ...plain, data };
    expect(iou(found(picture, circle(82, 79, 45)), { x: 80, y: 80, r: 40 }, picture)).toBeGreaterThan(0.94);
  });

  test("between red cells that touch it", () => {
    const red = [0, 1.2, 2.6, 4.1, 5].map((turn) => ({ x: 80 + 68 * Math.cos(turn), y: 80 + 68 * Math.sin(turn), r: 29, colour: RED_CELL }));
    const picture = scene(160, 160, [...red, ...cellAt(80, 80, 40)]);
    expect(iou(found(picture, circle(82, 81, 45)), { x: 80, y: 80, r: 40 }, picture)).toBeGreaterThan(0.93);
  });

  test("beside another one of the same colours that touches it", () => {
    const picture = scene(240, 160, [...cellAt(158, 80, 40), ...cellAt(80, 80, 40)]);
    expect(iou(found(picture, circle(80, 80, 44)), { x: 80, y: 80, r: 40 }, picture)).toBeGreaterThan(0.9);
  });

  test("cut by the border of the picture, of which the contour then is a part", () => {
    const picture = scene(160, 160, cellAt(20, 80, 40));
    const points = found(picture, circle(21, 80, 45));
    expect(iou(points, { x: 20, y: 80, r: 40 }, picture)).toBeGreaterThan(0.92);
    expect(Math.min(...points)).toBeGreaterThanOrEqual(0);
  });
});

test("from a middle on the corner of the picture the contour is simple still", () => {
  const points = found(scene(100, 100, cellAt(5, 5, 40)), circle(0, 0, 50));
  expect(selfCrossing(points)).toBeNull();
  expect(area(points)).toBeGreaterThan(1000);
});

describe("where nothing is to be found there is no contour, and it is said", () => {
  test.each([
    ["a blank picture", scene(160, 160, [], { noise: 3 })],
    ["one colour", scene(160, 160, [], { noise: 0 })],
    ["the inside of a cell larger than all that is seen", scene(160, 160, [], { noise: 2, ground: CYTOPLASM })],
  ])("%s", (_, picture) => {
    const { points, fault } = outlineOf(picture, circle(80, 80, 40));
    expect(points).toBeNull();
    expect(fault).toContain("by hand");
  });

  test("a circle that leaves nothing of the ring in the picture", () => {
    const { points, fault } = outlineOf(scene(80, 80, cellAt(40, 40, 30)), circle(40, 40, 70));
    expect(points).toBeNull();
    expect(fault).toContain("Too little");
  });
});

/** Anything at all: discs of any colour anywhere, and a circle or ellipse whose middle is in the picture. */
const anything = fc.record({
  seed: fc.integer({ min: 1, max: 1e6 }),
  count: fc.integer({ min: 1, max: 8 }),
  x: fc.double({ min: 1, max: 119, noNaN: true }),
  y: fc.double({ min: 1, max: 89, noNaN: true }),
  rx: fc.double({ min: 2, max: 60, noNaN: true }),
  ry: fc.double({ min: 2, max: 60, noNaN: true }),
});

test("whatever the picture, a contour is simple, in the picture, a star seen from the middle, and the same each time", () => {
  let contours = 0;
  fc.assert(
    fc.property(anything, ({ seed, count, ...ellipse }) => {
      const random = lcg(seed);
      const any = (): number => 255 * random();
      const discs = Array.from({ length: count }, () => ({ x: 120 * random(), y: 90 * random(), r: 40 * random(), colour: [any(), any(), any()] as const }));
      const picture = scene(120, 90, discs, { ground: GROUND });
      const { points } = outlineOf(picture, ellipse);
      expect(outlineOf(picture, ellipse).points).toEqual(points);
      if (points === null) return;
      contours++;
      expect(selfCrossing(points)).toBeNull();
      expect(area(points)).toBeGreaterThan(0);
      points.forEach((value, at) => {
        expect(value).toBeGreaterThanOrEqual(0);
        expect(value).toBeLessThanOrEqual(at % 2 ? 90 : 120);
      });
      expect(turnsOf(points, ellipse).every((turn) => turn >= 0)).toBe(true);
    }),
    { numRuns: 15 },
  );
  expect(contours).toBeGreaterThan(5);
}, PATIENCE_MS);

/** By how much the ray from the middle turns from corner to corner: one way round, so never less than 0. */
function turnsOf(points: readonly number[], { x, y }: Ellipse): number[] {
  const angles = Array.from({ length: points.length / 2 }, (_, corner) => Math.atan2((points[2 * corner + 1] ?? 0) - y, (points[2 * corner] ?? 0) - x));
  return angles.map((angle, corner) => {
    const turn = (angles[(corner + 1) % angles.length] ?? 0) - angle;
    return turn < -Math.PI ? turn + 2 * Math.PI : turn;
  });
}
