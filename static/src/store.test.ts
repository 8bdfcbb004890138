import { expect, test } from "vitest";

import { cellOf, circleAt, predictionOf } from "./commands/bench.testing";
import type { StoreEvent } from "./store";
import { Store } from "./store";
import { contentOf } from "./types";

function filled(): { store: Store; events: StoreEvent[] } {
  const [store, events] = [new Store(), [] as StoreEvent[]];
  store.take([cellOf("one", circleAt(50, 50)), cellOf("two", circleAt(150, 50), 2, 2)]);
  store.setPredictions([predictionOf(1, 0.9), predictionOf(2, 0.9), { ...predictionOf(3, 0.9), rejected: true }]);
  store.on((event) => events.push(event));
  return { store, events };
}

test("a list of changes is told once, with the predictions that it frees", () => {
  const { store, events } = filled();
  store.apply(
    [...store.cells()].map((cell) => ({ type: "cell", uuid: cell.uuid, before: contentOf(cell), after: null }) as const),
  );
  expect(events).toEqual([
    { type: "cells", uuids: ["one", "two"] },
    { type: "predictions", ids: [2] },
  ]);
  expect(store.isOpen(2)).toBe(true);
});

test("what is selected and goes is not selected any more", () => {
  const { store, events } = filled();
  store.select(["one", "two", "nobody"], [1, 3]);
  expect([...store.selection.cells, ...store.selection.predictions]).toEqual(["one", "two", 1]);
  store.take([{ ...cellOf("one", circleAt(50, 50)), deleted: true }]);
  store.apply([{ type: "rejection", prediction: 1, before: false, after: true }]);
  expect([...store.selection.cells, ...store.selection.predictions]).toEqual(["two"]);
  expect(events.filter(({ type }) => type === "selection")).toHaveLength(3);
});

test("a prediction is shown from its score on, while it is open and its class is not hidden", () => {
  const { store } = filled();
  const shown = (): number[] => store.shownPredictions().map(({ id }) => id);
  expect(shown()).toEqual([1]);
  store.look({ threshold: 0.95 });
  expect(shown()).toEqual([]);
  store.look({ threshold: 0.5, hiddenClasses: new Set([2]) });
  expect(shown()).toEqual([]);
  expect([...store.cells()].filter((cell) => store.isCellShown(cell)).map(({ uuid }) => uuid)).toEqual(["one"]);
});

test("predictions that come again stay as the person decided", () => {
  const { store } = filled();
  store.apply([
    { type: "rejection", prediction: 1, before: false, after: true },
    { type: "rejection", prediction: 3, before: true, after: false },
  ]);
  store.setPredictions([predictionOf(1, 0.9), { ...predictionOf(3, 0.9), rejected: true }, predictionOf(4, 0.8)]);
  expect([1, 3, 4].map((id) => store.isOpen(id))).toEqual([false, true, true]);
  expect(store.prediction(2)).toBeUndefined();
});

test("two thousand predictions are hidden and shown by the slider in a tenth of a second", () => {
  const store = new Store();
  store.setPredictions(Array.from({ length: 2_000 }, (_, index) => predictionOf(index, index / 2_000)));
  const began = performance.now();
  for (let step = 0; step <= 20; step++) {
    store.look({ threshold: step / 20 });
    expect(store.shownPredictions()).toHaveLength(2_000 - step * 100);
  }
  expect((performance.now() - began) / 21).toBeLessThan(100);
});
