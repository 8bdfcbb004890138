import { expect, test } from "vitest";

import { firstScore } from "./score";

test.each([
  [null, 0.42],
  ["", 0.42],
  ["words", 0.42],
  ["1.5", 0.42],
  ["-0.1", 0.42],
  ["0", 0],
  ["0.35", 0.35],
])("kept as %s, predictions are shown from %s on", (kept, score) => {
  expect(firstScore({ threshold: 0.42 }, kept)).toBe(score);
});

test("without a model from a half on", () => {
  expect(firstScore(null, null)).toBe(0.5);
});
