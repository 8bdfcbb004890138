/** Cells copied and put in again: on this field, as new cells of the same class and shape. */

import { bounds, clamped, moved } from "../shapes";
import type { CellContent, Change } from "../types";
import { contentOf } from "../types";
import { deleteSelected, fitting, put } from "./cells";
import type { Command, Context } from "./command";

/** Copies lie beside what they were made of, by this share of their size. */
const ASIDE = 0.3;

let copied: readonly CellContent[] = [];
let times = 0;

export const copySelected: Command = {
  name: "cell.copy",
  title: "Copy the selected cells",
  group: "Cells",
  keys: ["Ctrl+C"],
  edits: true,
  enabled: ({ store }) => store.selection.cells.size > 0,
  perform(context) {
    copy(context);
    context.screen.say(copied.length === 1 ? "One cell is copied." : `${copied.length} cells are copied.`);
    return [];
  },
};

export const cutSelected: Command = {
  name: "cell.cut",
  title: "Cut the selected cells out",
  group: "Cells",
  keys: ["Ctrl+X"],
  edits: true,
  enabled: ({ store }) => store.selection.cells.size > 0,
  question: (context) => deleteSelected.question?.(context) ?? null,
  perform(context) {
    copy(context);
    return deleteSelected.perform(context);
  },
};

export const pasteCopied: Command = {
  name: "cell.paste",
  title: "Put copied cells in: where the pointer is, else beside the first",
  group: "Cells",
  keys: ["Ctrl+V"],
  edits: true,
  enabled: () => copied.length > 0,
  perform(context) {
    const [dx, dy] = shiftOf(context);
    times++;
    // Beside the border of the field they come to lie on it.
    const placed = copied.map((one) => ({ ...one, shape: clamped(moved(one.shape, dx, dy), context.field) }));
    return placed.map((one): Change => put({ ...one, shape: fitting(context, one.shape), prediction: null, locked: false }));
  },
};

function copy({ store }: Context): void {
  copied = store.selectedCells().map(contentOf);
  times = 0;
}

/** How far the copies lie from what was copied. */
function shiftOf({ screen }: Context): [number, number] {
  const all = copied.map((one) => bounds(one.shape));
  const [x0, y0] = [Math.min(...all.map((one) => one.x0)), Math.min(...all.map((one) => one.y0))];
  const [x1, y1] = [Math.max(...all.map((one) => one.x1)), Math.max(...all.map((one) => one.y1))];
  const pointer = screen.pointer();
  if (pointer) return [pointer.x - (x0 + x1) / 2, pointer.y - (y0 + y1) / 2];
  const size = Math.min(...all.map((one) => one.x1 - one.x0));
  return [(times + 1) * ASIDE * size, (times + 1) * ASIDE * size];
}
