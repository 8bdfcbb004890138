import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { imagePoint } from "../geometry/points";
import { bounds } from "../shapes";
import type { CellContent, Shape } from "../types";
import { contentOf } from "../types";
import type { Bench } from "./bench.testing";
import { cellClass, cellOf, circleAt, newBench, predictionOf } from "./bench.testing";
import { deleteSelected, moveCells, reshapeCell, setAttribute, setClass } from "./cells";
import {
  acceptSelected,
  addToCell,
  commandNamed,
  commandOf,
  commands,
  correctPrediction,
  cutFromCell,
  drawCell,
  gestures,
  keyOf,
  restoreCells,
  selectClass,
  setThreshold,
  splitCell,
  uncertain,
} from "./index";

/** All that undo has to bring back. */
function stateOf({ store }: Bench): unknown {
  const cells = Array.from(store.cells(), (cell): [string, CellContent] => [cell.uuid, contentOf(cell)]);
  const predictions = Array.from(store.predictions(), ({ id }) => [id, store.isRejected(id), store.isOpen(id)]);
  return structuredClone({ cells: cells.sort(([one], [other]) => one.localeCompare(other)), predictions });
}

function filled(): Bench {
  const bench = newBench();
  bench.store.take(Array.from({ length: 8 }, (_, index) => cellOf(`cell ${index}`, circleAt(60 + 100 * index, 200), 1)));
  bench.store.setPredictions(Array.from({ length: 15 }, (_, index) => predictionOf(index + 1, (index + 1) / 16)));
  return bench;
}

const point = fc.tuple(fc.integer({ min: -50, max: 1050 }), fc.integer({ min: -50, max: 850 }));
const shapes: fc.Arbitrary<Shape> = fc.oneof(
  fc.tuple(point, fc.integer({ min: 0, max: 60 })).map(([[x, y], r]) => circleAt(x, y, r)),
  fc.array(point, { minLength: 1, maxLength: 6 }).map((points): Shape => ({ kind: "contour", points: points.flat() })),
  fc.tuple(point, point).map(([one, other]): Shape => ({ kind: "box", points: [...one, ...other] })),
);

/** A machine that has much to do is slow, not wrong. */
const SLOW = 60_000;

type Step = (bench: Bench) => unknown;

const steps: fc.Arbitrary<Step> = fc.oneof(
  shapes.map((shape) => ({ bench }: Bench) => bench.gesture(drawCell, { shape })),
  fc.tuple(fc.nat(30), shapes).map(([which, shape]) => ({ bench, store }: Bench) => {
    const cell = [...store.cells()].at(which % Math.max(1, store.size));
    return bench.gesture(reshapeCell, { uuid: cell?.uuid ?? "", shape });
  }),
  fc.tuple(fc.nat(15), shapes).map(([prediction, shape]) => ({ bench }: Bench) => bench.gesture(correctPrediction, { prediction, shape })),
  fc.tuple(fc.integer({ min: -90, max: 90 }), fc.integer({ min: -90, max: 90 })).map(([dx, dy]) => ({ bench, store }: Bench) =>
    bench.gesture(moveCells, { uuids: [...store.selection.cells], dx, dy }),
  ),
  fc.integer({ min: 1, max: 3 }).map((number) => ({ bench }: Bench) => bench.gesture(setClass, { class: number })),
  fc.constantFrom(null, true, "yes").map((value) => ({ bench }: Bench) => bench.gesture(setAttribute, { name: "mitosis", value })),
  fc.tuple(fc.array(fc.nat(30), { maxLength: 4 }), fc.array(fc.nat(20), { maxLength: 4 })).map(([cells, predictions]) => ({ store }: Bench) => {
    const uuids = Array.from(store.cells(), (cell) => cell.uuid);
    store.select(cells.flatMap((index) => uuids[index] ?? []), predictions);
  }),
  fc.tuple(fc.nat(30), point, fc.integer({ min: 5, max: 60 }), fc.constantFrom(addToCell, cutFromCell)).map(
    ([which, [dx, dy], size, how]) =>
      ({ bench, store }: Bench) => {
        // Near the cell, so that it often can be done.
        const cell = [...store.cells()].at(which % Math.max(1, store.size));
        const [x, y] = [(cell?.shape.points[0] ?? 0) + dx / 25, (cell?.shape.points[1] ?? 0) + dy / 25];
        return bench.gesture(how, { uuid: cell?.uuid ?? "", ring: [x, y, x + size, y, x + size, y + size, x, y + size] });
      },
  ),
  fc.tuple(fc.nat(30), fc.integer({ min: -20, max: 20 })).map(([which, aside]) => ({ bench, store }: Bench) => {
    const cell = [...store.cells()].at(which % Math.max(1, store.size));
    const { x0, y0, x1, y1 } = bounds(cell?.shape ?? circleAt(0, 0));
    const x = (x0 + x1) / 2 + aside;
    return bench.gesture(splitCell, { uuid: cell?.uuid ?? "", line: [imagePoint(x, y0 - 9), imagePoint(x + 2, y1 + 9)] });
  }),
  fc.nat(9).map((which) => ({ bench, store }: Bench) => bench.gesture(restoreCells, { uuids: store.trash().slice(which, which + 2).map((one) => one.uuid) })),
  fc.integer({ min: 1, max: 3 }).map((number) => ({ bench }: Bench) => bench.gesture(selectClass, { class: number })),
  fc.double({ min: 0, max: 1, noNaN: true }).map((threshold) => ({ bench }: Bench) => bench.gesture(setThreshold, { threshold })),
  // Weighted to what acts, and with undo and redo in the middle.
  fc.constantFrom(...commands).map((command) => ({ bench }: Bench) => bench.run(command)),
);

test("any sequence of commands undone is the start, and redone is the end", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(steps, { maxLength: 60, size: "max" }), async (taken) => {
      const bench = filled();
      const start = stateOf(bench);
      for (const step of taken) await step(bench);
      while (bench.history.redoTitle !== null) bench.bench.context.redo();
      const end = stateOf(bench);
      let count = 0;
      for (; bench.history.undoTitle !== null; count++) bench.bench.context.undo();
      expect(stateOf(bench)).toEqual(start);
      for (; count > 0; count--) bench.bench.context.redo();
      expect(stateOf(bench)).toEqual(end);

      // What was given to be saved leads from the start to the end too, undo and redo included.
      const replayed = filled();
      replayed.store.apply(bench.saved);
      expect(stateOf(replayed)).toEqual(end);
    }),
    { numRuns: 100 },
  );
}, SLOW);

test("a thousand operations of all kinds, undone, are the start", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(steps, { minLength: 1_000, maxLength: 1_000 }), async (taken) => {
      const bench = filled();
      const start = stateOf(bench);
      for (const step of taken) await step(bench);
      while (bench.history.undoTitle !== null) bench.bench.context.undo();
      expect(stateOf(bench)).toEqual(start);
    }),
    { numRuns: 2 },
  );
}, SLOW);

describe("commands", () => {
  test("a thousand are undone one by one to the start", async () => {
    const bench = filled();
    const start = stateOf(bench);
    for (let count = 0; count < 1_000; count++) {
      if (count % 3 === 2) await bench.bench.run(deleteSelected);
      else bench.bench.gesture(drawCell, { shape: circleAt(100 + (count % 800), 300) });
    }
    for (let count = 0; count < 1_000; count++) bench.bench.context.undo();
    expect(stateOf(bench)).toEqual(start);
    expect(bench.history.undoTitle).toBeNull();
  });

  test("a bulk accept asks, is one step, and one undo takes it back", async () => {
    const bench = filled();
    const start = stateOf(bench);
    const shown = bench.store.shownPredictions().length;
    const acceptShown = commandNamed("prediction.acceptShown");
    expect(shown).toBe(8);
    if (!acceptShown) throw new Error("there is no such command");

    bench.answer = false;
    expect(await bench.bench.run(acceptShown)).toBe(false);
    expect(bench.store.size).toBe(8);
    bench.answer = true;
    await bench.bench.run(acceptShown);
    expect(bench.asked.at(-1)).toContain("all 8 predictions with a score of 50 % or more");
    expect(bench.store.size).toBe(16);
    expect(bench.store.shownPredictions()).toEqual([]);
    expect(bench.saved).toHaveLength(8);
    bench.bench.context.undo();
    expect(stateOf(bench)).toEqual(start);
  });

  test("a cell that came from a prediction takes it along when it is deleted", async () => {
    const bench = filled();
    bench.store.select([], [12]);
    await bench.bench.run(acceptSelected);
    expect(bench.store.selectedCells()).toMatchObject([{ prediction: 12, provenance: "accepted" }]);
    expect(bench.store.isOpen(12)).toBe(false);
    await bench.bench.run(deleteSelected);
    expect(bench.store.isRejected(12)).toBe(true);
    bench.bench.context.undo();
    bench.bench.context.undo();
    expect(bench.store.isOpen(12)).toBe(true);
  });

  test("more than ten cells are not deleted without a question", async () => {
    const bench = filled();
    for (let index = 0; index < 3; index++) bench.bench.gesture(drawCell, { shape: circleAt(100, 100 + index) });
    bench.store.select(Array.from(bench.store.cells(), (cell) => cell.uuid));
    bench.answer = false;
    expect(await bench.bench.run(deleteSelected)).toBe(false);
    expect(bench.asked).toEqual(["Delete 11 cells? One undo brings them back."]);
    expect(bench.store.size).toBe(11);
  });

  test("a contour that crosses itself is said before it is sent", () => {
    const bench = newBench();
    const bow: Shape = { kind: "contour", points: [100, 100, 200, 200, 200, 100, 100, 200] };
    expect(bench.bench.gesture(drawCell, { shape: bow })).toBe(false);
    expect(bench.said[0]).toContain("crosses itself near 150, 150");
    expect(bench.saved).toEqual([]);
    expect(bench.history.undoTitle).toBeNull();
  });

  test("a reading that may not be changed is not changed", async () => {
    const bench = newBench({ mayEdit: false });
    bench.store.take([cellOf("one", circleAt(100, 100))]);
    for (const command of commands) {
      bench.store.select(["one"]);
      await bench.bench.run(command);
    }
    bench.store.select(["one"]);
    expect(bench.bench.gesture(drawCell, { shape: circleAt(50, 50) })).toBe(false);
    bench.bench.gesture(setClass, { class: 2 });
    bench.bench.gesture(moveCells, { uuids: ["one"], dx: 5, dy: 5 });
    expect(bench.saved).toEqual([]);
  });

  test("what is drawn has the class that was chosen last, and the first root before that", () => {
    const bench = newBench({ classes: [cellClass(4, { counted: false }), cellClass(7), cellClass(9)] });
    bench.bench.gesture(drawCell, { shape: circleAt(100, 100, 33) });
    expect(bench.store.selectedCells()).toMatchObject([{ class: 7 }]);
    expect(bench.store.view.radius).toBe(33);
    bench.bench.gesture(setClass, { class: 9 });
    expect(bench.store.selectedCells()).toMatchObject([{ class: 9 }]);
    bench.bench.gesture(drawCell, { shape: circleAt(200, 100) });
    expect(bench.store.selectedCells()).toMatchObject([{ class: 9 }]);
  });

  test("a wrong class is mended by the model's next one, many at once, each by its own", async () => {
    const bench = newBench({ classes: [cellClass(1), cellClass(2), cellClass(3), cellClass(4, { retired: true })] });
    const scores = [[1, 0.7], [4, 0.2], [2, 0.1]] as const;
    bench.store.setPredictions([
      { ...predictionOf(1, 0.7), class: 1, class_scores: scores },
      { ...predictionOf(2, 0.6), class: 3, class_scores: [[3, 0.6], [1, 0.3]] },
      { ...predictionOf(3, 0.6), class: 3, class_scores: [[3, 0.6]] },
    ]);
    bench.store.take([cellOf("one", circleAt(100, 100), 1, 1), cellOf("drawn", circleAt(300, 100))]);
    bench.store.select(["one", "drawn"], [2, 3]);
    const next = commandNamed("prediction.nextLikely");
    if (!next) throw new Error("there is no such command");
    const start = stateOf(bench);
    await bench.bench.run(next);
    expect(bench.store.cell("one")).toMatchObject({ class: 2, prediction: 1 });
    expect(bench.store.cell("drawn")).toMatchObject({ class: 1 });
    expect([...bench.store.cells()].find((cell) => cell.prediction === 2)).toMatchObject({ class: 1 });
    expect(bench.store.isOpen(3)).toBe(true);
    expect(bench.said.at(-1)).toContain("2 of what is selected left as they were");
    bench.bench.context.undo();
    expect(stateOf(bench)).toEqual(start);
    bench.store.select(["one"]);
    await bench.bench.run(next);
    await bench.bench.run(next);
    expect(bench.store.cell("one")).toMatchObject({ class: 1 });
    const beyond: Shape = { kind: "box", points: [980, 100, 1020, 140] };
    bench.store.setPredictions([{ ...predictionOf(4, 0.7, beyond), class: 1, class_scores: scores }]);
    bench.store.select([], [4]);
    await bench.bench.run(next);
    expect(bench.store.selectedCells()).toMatchObject([{ class: 2, shape: { points: [980, 100, 1000, 140] } }]);
    bench.store.select(["drawn"]);
    await bench.bench.run(next);
    expect(bench.said.at(-1)).toBe("The model names no other class for what is selected.");
  });

  test("uncertain first: two classes that are nearly equal come before a sure one", () => {
    const bench = newBench();
    bench.store.setPredictions([
      { ...predictionOf(1, 0.9), class_scores: [[1, 0.9], [2, 0.05]] },
      { ...predictionOf(2, 0.6), class_scores: [[1, 0.55], [2, 0.6]] },
      predictionOf(3, 0.7),
    ]);
    expect(uncertain(bench.store).map(({ id }) => id)).toEqual([2, 3, 1]);
  });
});

describe("the list", () => {
  test("each command has a name, a title and keys that no other has", () => {
    const all = [...commands, ...gestures];
    expect(new Set(all.map(({ name }) => name)).size).toBe(all.length);
    const keys = commands.flatMap((command) => command.keys);
    expect(new Set(keys).size).toBe(keys.length);
    for (const key of keys) expect(commandOf(key)?.keys).toContain(key);
  });

  test("plain letters are left to the classes", () => {
    expect(commands.flatMap(({ keys }) => keys).filter((key) => /^\p{L}$/u.test(key))).toEqual([]);
  });

  test("a key is written the same on every machine", () => {
    const plain = { ctrlKey: false, metaKey: false, altKey: false, shiftKey: false };
    expect(keyOf({ ...plain, key: "z", ctrlKey: true })).toBe("Ctrl+Z");
    expect(keyOf({ ...plain, key: "Z", metaKey: true, shiftKey: true })).toBe("Ctrl+Shift+Z");
    expect(keyOf({ ...plain, key: "?", shiftKey: true })).toBe("?");
    expect(keyOf({ ...plain, key: " ", shiftKey: true })).toBe("Shift+Space");
    expect(keyOf({ ...plain, key: "ArrowUp", altKey: true })).toBe("Alt+ArrowUp");
    expect(keyOf({ ...plain, key: "g" })).toBe("g");
  });
});
