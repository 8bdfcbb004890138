/** What can be done to a cell that is there: reshaped, locked, marked, copied, brought back, found among others. */

import { describe, expect, test } from "vitest";

import { imagePoint } from "../geometry/points";
import { area } from "../shapes";
import type { Shape } from "../types";
import type { Bench } from "./bench.testing";
import { cellOf, circleAt, newBench, predictionOf } from "./bench.testing";
import { moveCells, reshapeCell, setClass } from "./cells";
import { addToCell, commandNamed, cutFromCell, restoreCells, selectClass, splitCell } from "./index";

const BOX: Shape = { kind: "box", points: [300, 300, 340, 360] };

function filled(): Bench {
  const bench = newBench();
  bench.store.take([cellOf("one", circleAt(100, 100)), cellOf("two", circleAt(200, 100), 2), cellOf("box", BOX, 2)]);
  bench.store.setPredictions([predictionOf(1, 0.9), predictionOf(2, 0.6), { ...predictionOf(3, 0.7), shape: BOX }]);
  return bench;
}

async function run(bench: Bench, name: string): Promise<boolean> {
  const command = commandNamed(name);
  if (command === undefined) throw new Error(`there is no ${name}`);
  return bench.bench.run(command);
}

describe("outlines", () => {
  test("a circle that is added to becomes a contour of more area, and one undo makes it a circle again", () => {
    const { bench, store } = filled();
    expect(bench.gesture(addToCell, { uuid: "one", ring: [100, 90, 140, 90, 140, 110, 100, 110] })).toBe(true);
    expect(store.cell("one")?.shape.kind).toBe("contour");
    expect(area(store.cell("one")?.shape ?? BOX)).toBeGreaterThan(Math.PI * 400 + 300);
    bench.context.undo();
    expect(store.cell("one")?.shape).toEqual(circleAt(100, 100));
  });

  test("what cannot be one outline is said, and nothing changes", () => {
    const { bench, store, said } = filled();
    expect(bench.gesture(addToCell, { uuid: "one", ring: [400, 90, 440, 90, 440, 110] })).toBe(false);
    expect(bench.gesture(cutFromCell, { uuid: "one", ring: [95, 95, 105, 95, 105, 105, 95, 105] })).toBe(false);
    expect(bench.gesture(cutFromCell, { uuid: "one", ring: [50, 95, 150, 95, 150, 105, 50, 105] })).toBe(false);
    expect(bench.gesture(splitCell, { uuid: "one", line: [imagePoint(100, 100), imagePoint(105, 100)] })).toBe(false);
    expect(said).toEqual([
      "What you drew does not touch the cell. Begin inside of it, so that the two are one.",
      "That would leave a hole in the cell. Begin outside of it.",
      "That would cut the cell in two. Split it instead.",
      "The line has to cross the cell once, from outside to outside.",
    ]);
    expect(store.cell("one")?.shape).toEqual(circleAt(100, 100));
  });

  test("a cell is split into itself and a new one of its class, in one step", () => {
    const { bench, store } = filled();
    bench.gesture(splitCell, { uuid: "two", line: [imagePoint(205, 50), imagePoint(205, 150)] });
    expect(store.size).toBe(4);
    const [made] = store.selectedCells();
    expect(made).toMatchObject({ class: 2, prediction: null, version: 0 });
    expect(area(store.cell("two")?.shape ?? BOX) + area(made?.shape ?? BOX)).toBeCloseTo(Math.PI * 400, -1);
    bench.context.undo();
    expect(store.size).toBe(3);
    expect(store.cell("two")?.shape).toEqual(circleAt(200, 100));
  });

  test("a box is edited as a box, and turned by a key into a circle or a contour, a prediction too", async () => {
    const bench = filled();
    const { store } = bench;
    bench.bench.gesture(reshapeCell, { uuid: "box", shape: { kind: "box", points: [300, 300, 350, 360] } });
    expect(store.cell("box")?.shape.kind).toBe("box");
    bench.bench.context.undo();
    store.select(["box"]);
    await run(bench, "cell.circle");
    expect(store.cell("box")?.shape).toEqual(circleAt(320, 330, 25));
    bench.bench.context.undo();
    await run(bench, "cell.polygon");
    expect(store.cell("box")?.shape).toEqual({ kind: "contour", points: [300, 300, 340, 300, 340, 360, 300, 360] });
    await run(bench, "cell.smooth");
    expect(store.cell("box")?.shape.points.length).toBeGreaterThan(8);

    store.select([], [3]);
    await run(bench, "cell.circle");
    expect(store.selectedCells()).toMatchObject([{ prediction: 3, shape: circleAt(320, 330, 25) }]);
    expect(store.isOpen(3)).toBe(false);
  });
});

describe("a locked cell", () => {
  test("is not moved, reshaped, given another class, marked or deleted until it is unlocked", async () => {
    const bench = filled();
    const { store, said } = bench;
    store.select(["one"]);
    await run(bench, "cell.lock");
    const before = store.cell("one");
    expect(before?.locked).toBe(true);
    expect(bench.bench.gesture(moveCells, { uuids: ["one"], dx: 5, dy: 5 })).toBe(false);
    expect(bench.bench.gesture(reshapeCell, { uuid: "one", shape: circleAt(1, 1) })).toBe(false);
    expect(bench.bench.gesture(setClass, { class: 3 })).toBe(false);
    for (const name of ["cell.delete", "cell.cut", "cell.polygon", "attribute.mitosis", "cell.grow", "cell.nudge.ArrowUp"]) {
      expect(await run(bench, name)).toBe(false);
    }
    expect(said.at(-1)).toBe("The cell is locked. Unlock it first.");
    expect(store.cell("one")).toBe(before);
    await run(bench, "cell.lock");
    expect(bench.bench.gesture(setClass, { class: 3 })).toBe(true);
    expect(store.cell("one")).toMatchObject({ class: 3, locked: false });
  });

  test("does not keep the others from being changed, and its prediction is not rejected", async () => {
    const bench = filled();
    const { store, said } = bench;
    store.take([{ ...cellOf("made", circleAt(500, 500), 1, 1), locked: true }]);
    store.select(["made", "one"]);
    await run(bench, "cell.delete");
    expect(store.cell("made")).toBeDefined();
    expect(store.isRejected(1)).toBe(false);
    expect(store.cell("one")).toBeUndefined();
    expect(said).toEqual(["One cell is locked and was left as it is."]);
  });

  test("of several all are locked, then all unlocked, each in one step", async () => {
    const bench = filled();
    bench.store.take([{ ...cellOf("one", circleAt(100, 100)), version: 2, locked: true }]);
    bench.store.select(["one", "two"]);
    await run(bench, "cell.lock");
    expect(bench.store.cell("two")?.locked).toBe(true);
    await run(bench, "cell.lock");
    expect([...bench.store.cells()].map(({ locked }) => locked ?? false)).toEqual([false, false, false]);
    bench.bench.context.undo();
    expect(bench.store.selectedCells().every(({ locked }) => locked)).toBe(true);
  });
});

describe("attributes", () => {
  test("a toggle gives it to all where some lack it, and takes it away where all have it", async () => {
    const bench = filled();
    bench.store.take([{ ...cellOf("one", circleAt(100, 100)), version: 2, attributes: { atypical: true, note: "Auer" } }]);
    bench.store.select(["one", "two"]);
    await run(bench, "attribute.atypical");
    expect(bench.store.cell("two")?.attributes).toEqual({ atypical: true });
    await run(bench, "attribute.atypical");
    expect(bench.store.cell("one")?.attributes).toEqual({ note: "Auer" });
    expect(bench.store.cell("two")?.attributes).toEqual({});
  });
});

describe("copies", () => {
  test("are new cells beside the first, of its class and attributes, unlocked and of no prediction", async () => {
    const bench = filled();
    const { store } = bench;
    store.take([{ ...cellOf("made", circleAt(500, 500), 2, 1), attributes: { mitosis: true }, locked: true }]);
    store.select(["made"]);
    await run(bench, "cell.copy");
    await run(bench, "cell.paste");
    expect(store.selectedCells()).toMatchObject([
      { class: 2, shape: circleAt(512, 512), attributes: { mitosis: true }, prediction: null, locked: false, version: 0 },
    ]);
    await run(bench, "cell.paste");
    expect(store.selectedCells()).toMatchObject([{ shape: circleAt(524, 524) }]);
    expect(store.size).toBe(6);
  });

  test("what was cut out can be put in again, and the undo of both is the start", async () => {
    const bench = filled();
    bench.store.select(["one", "two"]);
    await run(bench, "cell.cut");
    expect(bench.store.size).toBe(1);
    await run(bench, "cell.paste");
    expect(bench.store.selectedCells()).toHaveLength(2);
    bench.bench.context.undo();
    bench.bench.context.undo();
    expect(bench.store.size).toBe(3);
  });
});

describe("the trash", () => {
  test("holds what was deleted, the last first, and gives it back as it was, with its prediction", async () => {
    const bench = filled();
    const { store } = bench;
    store.take([{ ...cellOf("made", circleAt(500, 500), 2, 1), attributes: { mitosis: true }, author: "Ana", provenance: "accepted" }]);
    store.select(["made"]);
    await run(bench, "cell.delete");
    store.select(["one"]);
    await run(bench, "cell.delete");
    expect(store.trash().map(({ uuid }) => uuid)).toEqual(["one", "made"]);
    expect(store.isRejected(1)).toBe(true);

    bench.bench.gesture(restoreCells, { uuids: ["made"] });
    expect(store.cell("made")).toMatchObject({ author: "Ana", provenance: "accepted", version: 1, attributes: { mitosis: true } });
    expect(store.isRejected(1)).toBe(false);
    await run(bench, "trash.restore");
    expect(store.trash()).toEqual([]);
    bench.bench.context.undo();
    expect(store.trash().map(({ uuid }) => uuid)).toEqual(["one"]);
  });

  test("knows what was deleted before the page was opened", () => {
    const { bench, store } = filled();
    store.take([{ ...cellOf("old", circleAt(500, 500)), deleted: true, version: 4 }]);
    expect(store.trash()).toMatchObject([{ uuid: "old", version: 4 }]);
    bench.gesture(restoreCells, { uuids: ["old"] });
    expect(store.cell("old")?.version).toBe(4);
  });
});

describe("selecting", () => {
  test("all of a class that are shown, predictions too", async () => {
    const bench = filled();
    const { store } = bench;
    bench.bench.gesture(selectClass, { class: 2 });
    expect([...store.selection.cells].sort()).toEqual(["box", "two"]);
    expect([...store.selection.predictions]).toEqual([1]);
    store.select(["one"]);
    await run(bench, "select.alike");
    expect([...store.selection.cells]).toEqual(["one"]);
    expect([...store.selection.predictions]).toEqual([3]);
    store.look({ showCells: false });
    bench.bench.gesture(selectClass, { class: 2 });
    expect(store.selection.cells.size).toBe(0);
  });

  test("the next by score begins with the lowest, of predictions and of what they became", async () => {
    const bench = filled();
    bench.store.take([cellOf("made", circleAt(500, 500), 2, 3)]);
    const seen: unknown[] = [];
    for (let step = 0; step < 4; step++) {
      await run(bench, "score.next");
      seen.push(...bench.store.selection.cells, ...bench.store.selection.predictions);
    }
    expect(seen).toEqual([2, "made", 1, 2]);
    await run(bench, "score.previous");
    expect([...bench.store.selection.predictions]).toEqual([1]);
  });
});
