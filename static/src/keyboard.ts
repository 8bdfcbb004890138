/** Keys: first the tool in use, then a class begun (e of e1), then the commands, then the classes. */

import type { Classes } from "./classes";
import type { Keymap, Workbench } from "./commands";
import { keyOf, setClass } from "./commands";
import type { Hands } from "./tools/hands";
import type { CellClass } from "./types";

/** A class begun and not finished is forgotten after this. */
const PREFIX_MS = 2500;

/** What was typed of a class' keys, what may follow, and the class that Enter stops at. */
export interface Begun {
  readonly prefix: string;
  readonly classes: readonly CellClass[];
  readonly above: CellClass | undefined;
}

export interface KeyParts {
  readonly workbench: Workbench;
  readonly hands: Hands;
  readonly keymap: Keymap;
  /** Shows which classes the key begins; null: none. */
  readonly showPrefix: (begun: Begun | null) => void;
}

export class Keyboard {
  readonly #parts: KeyParts;
  readonly #classes: Classes;
  #prefix = "";
  #timer = 0;

  constructor(parts: KeyParts) {
    this.#parts = parts;
    this.#classes = parts.workbench.context.classes;
    document.addEventListener("keydown", (event) => {
      this.#down(event);
    });
    document.addEventListener("keyup", (event) => {
      if (event.key === " " && this.#parts.hands.releaseSpace() && !isTaken(event)) this.#command(spaceOf(event));
    });
    window.addEventListener("blur", () => {
      this.#parts.hands.releaseSpace();
    });
  }

  #down(event: KeyboardEvent): void {
    if (event.defaultPrevented || event.isComposing || isTaken(event)) return;
    if (this.#answer(event)) event.preventDefault();
  }

  /** Whether the key meant something here. */
  #answer(event: KeyboardEvent): boolean {
    const key = keyOf(event);
    const { hands } = this.#parts;
    if (hands.key(key)) return true;
    if (this.#prefix !== "") {
      if (key === "Escape") {
        this.#begin("", []);
        return true;
      }
      if (this.#stop(key) || this.#class(event, key)) return true;
    }
    if (event.key === " ") {
      // Space held moves the field; pressed and released it is a command, so that waits for the release.
      hands.pressSpace();
      return true;
    }
    return this.#command(key) || this.#class(event, key);
  }

  #command(key: string): boolean {
    const command = this.#parts.keymap.commandOf(key);
    if (command === undefined) return false;
    void this.#parts.workbench.run(command);
    return true;
  }

  #class(event: KeyboardEvent, key: string): boolean {
    if (event.ctrlKey || event.metaKey || event.altKey) return false;
    const typed = this.#classes.typed(key, this.#prefix);
    if (typed.type === "nothing") {
      this.#begin("", []);
      return false;
    }
    if (typed.type === "prefix") {
      this.#begin(typed.prefix, typed.classes);
      return true;
    }
    this.#choose(typed.class);
    return true;
  }

  /** Who cannot tell the stage stops at the lineage: by Enter, or by the same key again. */
  #stop(key: string): boolean {
    const above = this.#classes.above(this.#prefix);
    if (above === undefined || (key !== "Enter" && key !== this.#prefix)) return false;
    const goesOn = this.#classes.typed(key, this.#prefix);
    if (goesOn.type === "class" && goesOn.class.hotkey.toLowerCase() === this.#prefix + key) return false;
    this.#choose(above);
    return true;
  }

  #choose(chosen: CellClass): void {
    this.#begin("", []);
    if (this.#parts.workbench.gesture(setClass, { class: chosen.number })) this.#say(chosen.name);
  }

  #say(name: string): void {
    const { store, screen } = this.#parts.workbench.context;
    const count = store.selection.cells.size;
    if (count === 0) screen.say(`What you draw next: ${name}`);
    else screen.say(count === 1 ? name : `${count} cells: ${name}`);
  }

  #begin(prefix: string, classes: readonly CellClass[]): void {
    clearTimeout(this.#timer);
    this.#prefix = prefix;
    this.#parts.showPrefix(prefix ? { prefix, classes, above: this.#classes.above(prefix) } : null);
    if (!prefix) return;
    this.#timer = window.setTimeout(() => {
      this.#begin("", []);
    }, PREFIX_MS);
  }
}

function spaceOf(event: KeyboardEvent): string {
  return event.shiftKey ? "Shift+Space" : "Space";
}

const SLIDING = ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "PageUp", "PageDown", "Home", "End"];

/** Whether the key belongs to what has the focus: a place to write in, an open dialog, a button that is pressed by it. */
function isTaken(event: KeyboardEvent): boolean {
  if (document.querySelector("dialog[open]") !== null) return true;
  const { target } = event;
  // The focus leaves a dialog that has closed at the next frame, and keys may come before.
  if (!(target instanceof HTMLElement) || target.closest("dialog") !== null) return false;
  if (target instanceof HTMLInputElement && target.type === "checkbox") return event.key === " ";
  if (target instanceof HTMLInputElement && target.type === "range") return SLIDING.includes(event.key);
  if (target.closest("input, textarea, select, [contenteditable]") !== null) return true;
  return target.closest("button, a, summary") !== null && [" ", "Enter"].includes(event.key) && !event.ctrlKey;
}
