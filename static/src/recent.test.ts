import fc from "fast-check";
import { expect, test } from "vitest";

import { NONE_RECENT, RECENT, recentFrom, used } from "./recent";

const after = (...numbers: number[]): typeof NONE_RECENT => numbers.reduce(used, NONE_RECENT);

test("a class keeps its key while it is among the five used last", () => {
  expect(after(11, 12, 13, 12, 11).slots).toEqual([11, 12, 13]);
  expect(after(11, 12, 13, 14, 15, 12).slots).toEqual([11, 12, 13, 14, 15]);
  expect(after(11, 12, 13, 14, 15, 11, 16).slots).toEqual([11, 16, 13, 14, 15]);
});

test("the five are always the five that were used last, and the other four do not move", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 9 }), { maxLength: 40 }), (numbers) => {
      let recent = NONE_RECENT;
      for (const [at, number] of numbers.entries()) {
        const before = recent;
        recent = used(recent, number);
        const last = [...new Set(numbers.slice(0, at + 1).toReversed())].slice(0, RECENT);
        expect([...recent.slots].sort()).toEqual([...last].sort());
        expect(recent.order).toEqual(last);
        expect(before.slots.filter((one, slot) => recent.slots[slot] !== one).length).toBeLessThanOrEqual(1);
      }
    }),
  );
});

test("what the browser kept is read, without classes that are not offered, and nonsense is nothing", () => {
  expect(recentFrom(JSON.stringify(after(1, 2, 3)), (number) => number !== 2)).toEqual({ slots: [1, 3], order: [3, 1] });
  expect(recentFrom("{", () => true)).toEqual(NONE_RECENT);
  expect(recentFrom(null, () => true)).toEqual(NONE_RECENT);
  expect(recentFrom('{"slots": 3}', () => true)).toEqual(NONE_RECENT);
});
