import fc from "fast-check";
import { expect, test } from "vitest";

import { Classes } from "./classes";
import { cellClass } from "./commands/bench.testing";
import { differentialOf, wilson } from "./differential";

const classes = new Classes([
  cellClass(1, { lineage: "granulocytic" }),
  cellClass(2, { lineage: "monocytic" }),
  cellClass(3, { lineage: "erythroid" }),
  cellClass(4, { lineage: "lymphoid" }),
  cellClass(5, { lineage: "excluded", counted: false, kind: "artefact" }),
  cellClass(6, { lineage: "erythroid", counted: false }),
]);

function cells(counts: Record<number, number>): { class: number }[] {
  return Object.entries(counts).flatMap(([number, count]) => Array.from({ length: count }, () => ({ class: Number(number) })));
}

test("shares are of counted cells; artefacts are shown without one", () => {
  const found = differentialOf(cells({ 1: 50, 2: 10, 3: 20, 4: 20, 5: 7, 6: 3 }), classes);
  expect(found).toMatchObject({ counted: 100, total: 110, myeloid: 60, erythroid: 20, ratio: 3 });
  expect(found.rows.map((row) => [row.class.number, row.count, row.share])).toEqual([
    [1, 50, 0.5],
    [2, 10, 0.1],
    [3, 20, 0.2],
    [4, 20, 0.2],
    [5, 7, null],
    [6, 3, null],
  ]);
});

test("without an erythroid cell there is no ratio, without a cell no row", () => {
  expect(differentialOf(cells({ 1: 5 }), classes).ratio).toBeNull();
  expect(differentialOf([], classes)).toMatchObject({ rows: [], counted: 0, total: 0, ratio: null });
});

// Wilson without continuity correction, as published for these (Newcombe 1998, table I).
test.each([
  [81, 263, 0.2553, 0.3662],
  [15, 148, 0.0624, 0.1605],
  [0, 20, 0, 0.1611],
  [1, 29, 0.0061, 0.1718],
])("the interval of %i of %i", (count, of, low, high) => {
  expect(wilson(count, of).low).toBeCloseTo(low, 4);
  expect(wilson(count, of).high).toBeCloseTo(high, 4);
});

test("an interval holds its share, stays in 0 to 1, and narrows with the count", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 2000 }), fc.nat(), (of, some) => {
      const count = some % (of + 1);
      const { low, high } = wilson(count, of);
      expect(low).toBeGreaterThanOrEqual(0);
      expect(high).toBeLessThanOrEqual(1);
      expect(low).toBeLessThanOrEqual(count / of);
      expect(high).toBeGreaterThanOrEqual(count / of);
      const more = wilson(4 * count, 4 * of);
      expect(more.high - more.low).toBeLessThan(high - low);
    }),
  );
});
