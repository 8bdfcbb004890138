/** From cell to cell without a pointer: row by row, as a page is read. */

import { bounds, diameter, middle } from "../shapes";
import type { Cell } from "../types";
import type { Command, Context } from "./command";

export const nextCell = walking("cell.next", "Go to the next cell", "]", 1);
export const previousCell = walking("cell.previous", "Go to the cell before", "[", -1);

function walking(name: string, title: string, key: string, by: 1 | -1): Command {
  return {
    name,
    title,
    group: "Cells",
    keys: [key],
    edits: false,
    enabled: ({ store }) => store.size > 0,
    perform({ store, screen }: Context) {
      const cells = readingOrder([...store.cells()].filter((cell) => store.isCellShown(cell)));
      const [selected] = store.selection.cells;
      const at = cells.findIndex((cell) => cell.uuid === selected);
      const next = cells.at(at < 0 ? (by > 0 ? 0 : -1) : (at + by) % cells.length);
      if (next === undefined) {
        screen.say("No cell is shown.");
        return [];
      }
      store.select([next.uuid]);
      screen.show(bounds(next.shape));
      return [];
    },
  };
}

/** Rows as high as a usual cell, each from left to right. */
function readingOrder(cells: readonly Cell[]): Cell[] {
  const sizes = cells.map((cell) => diameter(cell.shape)).sort((one, other) => one - other);
  const row = Math.max(1, sizes[sizes.length >> 1] ?? 1);
  return cells
    .map((cell) => ({ cell, at: middle(cell.shape) }))
    .sort((one, other) => Math.floor(one.at.y / row) - Math.floor(other.at.y / row) || one.at.x - other.at.x)
    .map(({ cell }) => cell);
}
