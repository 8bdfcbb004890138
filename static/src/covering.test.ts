import { expect, test } from "vitest";

import { cellOf, circleAt, predictionOf } from "./commands/bench.testing";
import { uncovered } from "./covering";

test("what is labelled already is not suggested again", () => {
  const [far, near, own] = [predictionOf(1, 0.9, circleAt(100, 100)), predictionOf(2, 0.9, circleAt(205, 200)), predictionOf(3, 0.9, circleAt(300, 300))];
  const cells = [cellOf("a", circleAt(130, 100)), cellOf("b", circleAt(200, 200), 1, 77), cellOf("c", circleAt(300, 300), 1, 3)];
  expect(uncovered([far, near, own], cells).map(({ id }) => id)).toEqual([1, 3]);
});
