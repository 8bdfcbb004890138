import { describe, expect, test } from "vitest";

import { Classes } from "./classes";
import { cellClass } from "./commands/bench.testing";

const classes = new Classes([
  cellClass(1, { key: "cell", name: "Nucleated cell", hotkey: "c" }),
  cellClass(2, { key: "erythroid", name: "Erythroid", hotkey: "e0", parent: 1, lineage: "erythroid" }),
  cellClass(3, { key: "basery", name: "Basophilic erythroblast", hotkey: "e2", parent: 2, lineage: "erythroid" }),
  cellClass(4, { key: "old", name: "Basket cell", hotkey: "k", retired: true }),
  cellClass(5, { key: "baso", name: "Basophil", hotkey: "g7", parent: 1 }),
]);

describe("keys of classes", () => {
  test("one letter, or a lineage's letter and then its stage", () => {
    expect(classes.typed("c")).toMatchObject({ type: "class", class: { number: 1 } });
    expect(classes.typed("C")).toMatchObject({ type: "class", class: { number: 1 } });
    expect(classes.typed("e")).toMatchObject({ type: "prefix", prefix: "e", classes: [{ number: 2 }, { number: 3 }] });
    expect(classes.typed("2", "e")).toMatchObject({ type: "class", class: { number: 3 } });
  });

  test("a wrong second key begins anew, an unknown one means nothing", () => {
    expect(classes.typed("c", "e")).toMatchObject({ type: "class", class: { number: 1 } });
    expect(classes.typed("9", "e")).toEqual({ type: "nothing" });
    expect(classes.typed("Enter", "e")).toEqual({ type: "nothing" });
  });

  test("a retired class is known but not offered", () => {
    expect(classes.typed("k")).toEqual({ type: "nothing" });
    expect(classes.search("basket")).toEqual([]);
    expect(classes.get(4)?.name).toBe("Basket cell");
  });
});

test("search finds the start of a name first, then words, then letters in order", () => {
  expect(classes.search("baso").map(({ number }) => number)).toEqual([5, 3]);
  expect(classes.search("eryth").map(({ number }) => number)).toEqual([2, 3]);
  expect(classes.search("bzry")).toEqual([]);
  expect(classes.search("bphery").map(({ number }) => number)).toEqual([3]);
  expect(classes.search(" ").map(({ number }) => number)).toEqual([1, 2, 3, 5]);
  expect(classes.search("zzz")).toEqual([]);
});

test("the path goes from the root down and ends on a ring of parents", () => {
  expect(classes.path(3).map(({ number }) => number)).toEqual([1, 2, 3]);
  const ring = new Classes([cellClass(1, { parent: 2 }), cellClass(2, { parent: 1 })]);
  expect(ring.path(1)).toHaveLength(2);
});
