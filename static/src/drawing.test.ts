import { expect, test } from "vitest";

import { firstRadius } from "./drawing";
import type { FieldInfo } from "./types";

const FIELD: FieldInfo = { code: "F1", name: "F1", width: 4000, height: 3000, um_per_px: 0.1, image: "", previous: null, next: null, tiles: null };
const cells = [10, 40, 20].map((r) => ({ shape: { kind: "circle", points: [1, 1, r] } as const }));

test("the first circle is 14 µm across where the scale is known", () => {
  expect(firstRadius(FIELD, cells, null)).toBeCloseTo(70);
  expect(firstRadius({ ...FIELD, um_per_px: 0.05 }, [], null)).toBeCloseTo(140);
});

test("it is as the last one was, in µm, also on a field of another scale", () => {
  expect(firstRadius({ ...FIELD, um_per_px: 0.25 }, cells, "5")).toBeCloseTo(20);
  expect(firstRadius({ ...FIELD, um_per_px: null }, cells, "5")).toBe(5);
});

test("where the scale is unknown it is like those that are there", () => {
  expect(firstRadius({ ...FIELD, um_per_px: null }, cells, null)).toBe(20);
  expect(firstRadius({ ...FIELD, um_per_px: null }, [], null)).toBe(40);
});
