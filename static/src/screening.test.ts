import { expect, test } from "vitest";

import { gridOf, nextTile, pathOf, readSeen, tileAt, tilesIn, written } from "./screening";
import { imagePoint } from "./geometry/points";

const FIELD = { width: 4000, height: 3000, um_per_px: null };
const GRID = gridOf(FIELD);

test("tiles cover the field, and their size goes by the scale", () => {
  expect([GRID.columns, GRID.rows]).toEqual([4, 3]);
  expect(GRID.tiles.at(-1)).toEqual({ x0: 3000, y0: 2000, x1: 4000, y1: 3000 });
  expect(gridOf({ ...FIELD, um_per_px: 0.1 })).toMatchObject({ columns: 5, rows: 4 });
  expect(gridOf({ width: 300, height: 200, um_per_px: null }).tiles).toHaveLength(1);
});

test("the way goes to and fro, and leads round to every tile that was not seen", () => {
  expect(pathOf(GRID)).toEqual([0, 1, 2, 3, 7, 6, 5, 4, 8, 9, 10, 11]);
  const seen = new Set<number>();
  const way: number[] = [];
  for (let at = 0; ; ) {
    seen.add(at);
    way.push(at);
    const next = nextTile(GRID, seen, at, 1);
    if (next === null) break;
    at = next;
  }
  expect(way).toEqual(pathOf(GRID));
  expect(nextTile(GRID, new Set([0]), 0, -1)).toBe(11);
});

test("a tile is seen when it lies in the window and cells can be told", () => {
  const window = { x0: 0, y0: 0, x1: 2100, y1: 1100 };
  expect(tilesIn(GRID, window, 0.5, null)).toEqual([0, 1]);
  expect(tilesIn(GRID, { x0: 0, y0: 0, x1: 4000, y1: 3000 }, 0.3, null)).toEqual([]);
  expect(tilesIn(GRID, { x0: -200, y0: -200, x1: 1000, y1: 900 }, 1, null)).toEqual([]);
  expect(tilesIn(GRID, { x0: 0, y0: 0, x1: 1000, y1: 1000 }, 0.3, null)).toEqual([0]); // a small window shows no more
});

test("what was seen is kept as a word", () => {
  expect(written(new Set([11, 0, 3]))).toBe("0,3,11");
  expect(readSeen("0,3,11,99,x", GRID)).toEqual(new Set([0, 3, 11]));
  expect(readSeen(null, GRID)).toEqual(new Set());
  expect(tileAt(GRID, imagePoint(2500, 1500))).toBe(6);
});
