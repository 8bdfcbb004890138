/** The history of one person on one field: sets of changes, each of which is undone and redone as one step. */

import type { Change, Shape, Uuid } from "./types";
import { inverse } from "./types";

export interface ChangeSet {
  /** Says what was done: "Undo: delete 3 cells". */
  readonly title: string;
  readonly changes: readonly Change[];
}

export class History {
  #done: ChangeSet[] = [];
  #undone: ChangeSet[] = [];

  get undoTitle(): string | null {
    return this.#done.at(-1)?.title ?? null;
  }

  get redoTitle(): string | null {
    return this.#undone.at(-1)?.title ?? null;
  }

  /** Remembers what was done; what had been undone before can then not be redone any more. */
  push(set: ChangeSet): void {
    this.#done.push(set);
    this.#undone = [];
  }

  /** The circle or box that a cell had before its last step that made it a contour; null where that is not known here. */
  weakShapeOf(uuid: Uuid): Shape | null {
    const shapes = this.#done.flatMap(({ changes }) => changes.flatMap((one) => (one.type === "cell" && one.uuid === uuid ? (one.before?.shape ?? []) : [])));
    return shapes.findLast((shape) => shape.kind !== "contour") ?? null;
  }

  /** The changes that take the last step back, to be applied and saved by the caller; null when there is none. */
  undo(): Change[] | null {
    const set = this.#done.pop();
    if (set === undefined) return null;
    this.#undone.push(set);
    return inverse(set.changes);
  }

  redo(): Change[] | null {
    const set = this.#undone.pop();
    if (set === undefined) return null;
    this.#done.push(set);
    return [...set.changes];
  }

  /** Drops what was done to a cell that someone else has changed since: undoing it would cover their work. */
  forget(uuids: ReadonlySet<Uuid>): void {
    const without = (sets: readonly ChangeSet[]): ChangeSet[] =>
      sets
        .map((set) => ({
          ...set,
          changes: set.changes.filter((change) => change.type !== "cell" || !uuids.has(change.uuid)),
        }))
        .filter((set) => set.changes.length > 0);
    this.#done = without(this.#done);
    this.#undone = without(this.#undone);
  }
}
