import { describe, expect, test } from "vitest";

import { cellAt, iou, scene } from "../outline/scene.testing";
import type { Shape } from "../types";
import type { Bench } from "./bench.testing";
import { cellOf, circleAt, newBench } from "./bench.testing";
import { commandNamed, outlineSelected, shrinkSelected } from "./index";

const WHOLE = { width: 300, height: 200 };
const CELL = { x: 100, y: 100, r: 40 };
const FIELD = scene(WHOLE.width, WHOLE.height, cellAt(CELL.x, CELL.y, CELL.r));

/** A field of which the page shows the picture, with these cells, all of them selected. */
function bench(...shapes: Shape[]): Bench {
  const made = newBench();
  made.picture = ({ x0, y0, x1, y1 }) => {
    const [width, height] = [x1 - x0, y1 - y0];
    const rows = Array.from({ length: height }, (_, row) => {
      const at = 4 * ((y0 + row) * WHOLE.width + x0);
      return [...FIELD.data.subarray(at, at + 4 * width)];
    });
    return { width, height, data: Uint8ClampedArray.from(rows.flat()) };
  };
  made.store.take(shapes.map((shape, index) => cellOf(`cell ${index}`, shape)));
  made.store.select(shapes.map((_, index) => `cell ${index}`));
  return made;
}

function shapeOf({ store }: Bench, index = 0): Shape {
  const cell = store.cell(`cell ${index}`);
  if (cell === undefined) throw new Error("The cell is gone.");
  return cell.shape;
}

describe("by the picture", () => {
  test.each<[string, Shape]>([
    ["circle", circleAt(102, 99, 45)],
    ["box", { kind: "box", points: [61, 59, 141, 140] }],
  ])("a %s becomes the contour of its cell, in one step that undo takes back", async (_, shape) => {
    const made = bench(shape);
    expect(await made.bench.run(outlineSelected)).toBe(true);
    expect(shapeOf(made).kind).toBe("contour");
    expect(iou(shapeOf(made).points, CELL, FIELD)).toBeGreaterThan(0.94);
    expect(made.saved).toHaveLength(1);
    made.bench.context.undo();
    expect(shapeOf(made)).toEqual(shape);
  });

  test("several are one step, and a contour among them stays", async () => {
    const drawn: Shape = { kind: "contour", points: [10, 10, 30, 10, 20, 30] };
    const made = bench(circleAt(102, 99, 45), drawn, circleAt(98, 101, 46));
    await made.bench.run(outlineSelected);
    expect(shapeOf(made, 1)).toEqual(drawn);
    expect([shapeOf(made, 0).kind, shapeOf(made, 2).kind]).toEqual(["contour", "contour"]);
    made.bench.context.undo();
    expect(made.history.undoTitle).toBeNull();
    expect(shapeOf(made, 2)).toEqual(circleAt(98, 101, 46));
  });

  test("a circle where nothing is to be seen stays, and it is said; the others are outlined", async () => {
    const made = bench(circleAt(102, 99, 45), circleAt(240, 100, 25));
    await made.bench.run(outlineSelected);
    expect(shapeOf(made, 0).kind).toBe("contour");
    expect(shapeOf(made, 1)).toEqual(circleAt(240, 100, 25));
    expect(made.said.join()).toMatch(/1 outlined, 1 left as they were.*by hand/);
  });

  test("without a picture nothing changes, and it is said", async () => {
    const made = newBench();
    made.store.take([cellOf("cell 0", circleAt(100, 100, 45))]);
    made.store.select(["cell 0"]);
    expect(await made.bench.run(outlineSelected)).toBe(false);
    expect(shapeOf(made)).toEqual(circleAt(100, 100, 45));
    expect(made.said.join()).toContain("cannot be read");
    expect(made.saved).toEqual([]);
  });

  test("many are outlined only after a question", async () => {
    const made = bench(...Array.from({ length: 41 }, () => circleAt(102, 99, 45)));
    made.answer = false;
    expect(await made.bench.run(outlineSelected)).toBe(false);
    expect(made.asked.join()).toContain("41 cells");
    expect(made.saved).toEqual([]);
  });
});

describe("without looking", () => {
  test("a circle becomes a contour of nine tenths of it, also where there is no picture", async () => {
    const made = bench(circleAt(100, 100, 44.2));
    made.picture = () => null;
    await made.bench.run(shrinkSelected);
    expect(shapeOf(made).kind).toBe("contour");
    expect(iou(shapeOf(made).points, CELL, FIELD)).toBeGreaterThan(0.97);
  });

  test("it is the way back from an outline, and from nothing that was drawn as a contour", async () => {
    const made = bench(circleAt(100, 100, 50), { kind: "contour", points: [10, 10, 30, 10, 20, 30] });
    await made.bench.run(outlineSelected);
    const outlined = shapeOf(made);
    await made.bench.run(shrinkSelected);
    expect(shapeOf(made)).not.toEqual(outlined);
    expect(Math.max(...shapeOf(made).points)).toBeCloseTo(100 + 0.905 * 50, 1);
    expect(shapeOf(made, 1).points).toEqual([10, 10, 30, 10, 20, 30]);
    made.store.select(["cell 1"]);
    expect(made.bench.isEnabled(shrinkSelected)).toBe(false);
  });

  test("at the border the contour ends there", async () => {
    const made = bench(circleAt(5, 100, 40));
    await made.bench.run(shrinkSelected);
    expect(Math.min(...shapeOf(made).points)).toBe(0);
  });
});

test("both have keys of their own", () => {
  expect(commandNamed("cell.contour")?.keys).toEqual(["#"]);
  expect(commandNamed("cell.shrunk")?.keys).toEqual(["'"]);
});
