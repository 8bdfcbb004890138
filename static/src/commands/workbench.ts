/** Performs commands: what they change goes into the store, the history and the queue of what is to be saved. */

import type { Change } from "../types";
import { isIdle } from "../types";
import { MANY } from "./cells";
import type { Command, Context, Gesture } from "./command";
import { CannotBeDone } from "./command";
import { withoutLocked } from "./locking";

/** Takes changes that are to be saved; sync does. */
export type Save = (changes: readonly Change[]) => void;

export class Workbench {
  readonly context: Context;
  readonly #save: Save;

  constructor(parts: Omit<Context, "undo" | "redo">, save: Save) {
    this.#save = save;
    this.context = {
      ...parts,
      undo: () => {
        this.#step(parts.history.undo());
      },
      redo: () => {
        this.#step(parts.history.redo());
      },
    };
  }

  isEnabled(command: Command): boolean {
    return (!command.edits || this.context.mayEdit) && (command.enabled?.(this.context) ?? true);
  }

  /** Runs a command of the list; false where it is not possible now or the person said no. */
  async run(command: Command): Promise<boolean> {
    if (!this.isEnabled(command)) return false;
    const question = command.question?.(this.context) ?? null;
    if (question !== null && !(await this.context.screen.ask(question))) return false;
    return this.#perform(command.title, () => command.perform(this.context));
  }

  /** Does what a hand did; false where it cannot be, after saying why: the tool keeps its sketch then. */
  gesture<Argument>(gesture: Gesture<Argument>, argument: Argument): boolean {
    if (gesture.edits && !this.context.mayEdit) {
      this.context.screen.say("This reading cannot be changed.");
      return false;
    }
    return this.#perform(gesture.title, () => gesture.perform(this.context, argument));
  }

  #perform(title: string, changesOf: () => readonly Change[]): boolean {
    try {
      const wanted = changesOf().filter((change) => !isIdle(change));
      const { changes, held } = withoutLocked(wanted);
      if (held > 0) this.context.screen.say(heldBack(held, changes.length > 0));
      if (changes.length === 0) return held === 0;
      this.context.history.push({ title, changes });
      this.#apply(changes);
      this.#selectNew(changes);
      return true;
    } catch (error) {
      if (!(error instanceof CannotBeDone)) throw error;
      this.context.screen.say(error.message);
      return false;
    }
  }

  /** What was just drawn or accepted is selected, so that a key gives it its class; not so after a bulk accept. */
  #selectNew(changes: readonly Change[]): void {
    const made = changes.flatMap((change) => (change.type === "cell" && change.before === null ? [change.uuid] : []));
    if (made.length > 0 && made.length <= MANY) this.context.store.select(made);
  }

  #step(changes: readonly Change[] | null): void {
    if (changes === null) return;
    this.#apply(changes);
    const { store } = this.context;
    store.select(changes.flatMap((change) => (change.type === "cell" && change.after ? [change.uuid] : [])));
  }

  #apply(changes: readonly Change[]): void {
    this.context.store.apply(changes);
    this.#save(changes);
  }
}

function heldBack(held: number, othersDone: boolean): string {
  const cells = held === 1 ? "One cell is locked and was" : `${held} cells are locked and were`;
  return othersDone ? `${cells} left as ${held === 1 ? "it is" : "they are"}.` : `${held === 1 ? "The cell is" : "The cells are"} locked. Unlock ${held === 1 ? "it" : "them"} first.`;
}
