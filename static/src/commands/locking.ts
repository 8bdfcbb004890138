/** A finished cell is locked: nothing about it changes until it is unlocked, here or at the server. */

import type { Cell, Change } from "../types";
import { sameContent } from "../types";
import { change } from "./cells";
import type { Command } from "./command";

export const lockSelected: Command = {
  name: "cell.lock",
  title: "Lock the selected cells, or unlock them",
  group: "Cells",
  keys: ["Shift+L"],
  edits: true,
  enabled: ({ store }) => store.selection.cells.size > 0,
  perform({ store, screen }) {
    const cells = store.selectedCells();
    const locked = !cells.every(isLocked);
    screen.say(`${cells.length === 1 ? "The cell is" : `${cells.length} cells are`} ${locked ? "locked" : "unlocked"}.`);
    return cells.map((cell) => change(cell, { locked }));
  },
};

export function isLocked(cell: Pick<Cell, "locked">): boolean {
  return cell.locked ?? false;
}

/** The changes without those of locked cells, but for their unlocking, and how many that were. */
export function withoutLocked(changes: readonly Change[]): { readonly changes: readonly Change[]; readonly held: number } {
  const free = changes.filter((one) => !isHeld(one));
  return { changes: free, held: changes.length - free.length };
}

function isHeld(one: Change): boolean {
  if (one.type !== "cell" || one.before === null || !isLocked(one.before)) return false;
  return one.after === null || !sameContent({ ...one.before, locked: false }, { ...one.after, locked: false });
}
