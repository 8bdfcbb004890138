import { expect, test } from "vitest";

import { area, selfCrossing } from "./polygon";
import { smoothed } from "./smooth";

function round(corners: number, trembles: number): number[] {
  return Array.from({ length: corners }, (_, at) => at).flatMap((at) => {
    const [turn, radius] = [(2 * Math.PI * at) / corners, 50 + trembles * (at % 2 ? 1 : -1)];
    return [300 + radius * Math.cos(turn), 300 + radius * Math.sin(turn)];
  });
}

function unevenness(ring: readonly number[]): number {
  const radii = ring.flatMap((x, at) => (at % 2 ? [] : [Math.hypot(x - 300, (ring[at + 1] ?? 0) - 300)]));
  return Math.max(...radii) - Math.min(...radii);
}

test("the tremble goes, the area stays", () => {
  const drawn = round(120, 2);
  const found = smoothed(drawn);
  expect(unevenness(drawn)).toBeCloseTo(4);
  expect(unevenness(found)).toBeLessThan(1);
  expect(area(found)).toBeCloseTo(area(drawn), -2);
  expect(selfCrossing(found)).toBeNull();
});

test("corners of a box are rounded, and a second time more", () => {
  const box = [100, 100, 200, 100, 200, 200, 100, 200];
  const once = smoothed(box);
  expect(once.length).toBeGreaterThan(8);
  expect(area(once)).toBeCloseTo(10_000, -2);
  expect(smoothed(once)).not.toEqual(once);
});

test("a triangle of a few pixels is still an outline", () => {
  const found = smoothed([10, 10, 14, 10, 12, 14]);
  expect(found.length).toBeGreaterThanOrEqual(6);
  expect(area(found)).toBeCloseTo(8, 0);
});
