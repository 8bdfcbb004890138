/** The palette: classes and actions by a few letters of their names, chosen by Enter. */

import type { CellClass } from "../types";
import type { Command, Keymap, Workbench } from "../commands";
import { commands, setClass } from "../commands";
import { byId, h, keyHint, swatch } from "./dom";

/** More than so many are no choice. */
const MOST = 12;

type Entry = { readonly type: "class"; readonly one: CellClass } | { readonly type: "command"; readonly one: Command };

export class Palette {
  readonly #workbench: Workbench;
  readonly #keymap: Keymap;
  readonly #dialog = byId("palette", HTMLDialogElement);
  readonly #search = byId("palette-search", HTMLInputElement);
  readonly #list = byId("palette-list", HTMLUListElement);
  #found: readonly Entry[] = [];
  #at = 0;

  constructor(workbench: Workbench, keymap: Keymap) {
    this.#workbench = workbench;
    this.#keymap = keymap;
    this.#search.addEventListener("input", () => {
      this.#at = 0;
      this.#fill();
    });
    this.#search.addEventListener("keydown", (event) => {
      this.#key(event);
    });
  }

  open(): void {
    if (this.#dialog.open) return;
    this.#search.value = "";
    this.#at = 0;
    this.#fill();
    this.#dialog.showModal();
    this.#search.focus();
  }

  #fill(): void {
    const text = this.#search.value.trim();
    const classes = this.#workbench.context.classes.search(text).map((one): Entry => ({ type: "class", one }));
    const actions = commands
      .filter((one) => this.#workbench.isEnabled(one) && holds(one.title, text))
      .map((one): Entry => ({ type: "command", one }));
    this.#found = [...classes, ...actions].slice(0, MOST);
    this.#list.replaceChildren(...this.#found.map((entry, index) => this.#row(entry, index)));
    this.#mark();
  }

  #row(entry: Entry, index: number): HTMLElement {
    const name = entry.type === "class" ? entry.one.name : entry.one.title;
    const key = entry.type === "class" ? entry.one.hotkey : this.#keymap.keysOf(entry.one)[0];
    const mark = entry.type === "class" ? swatch(entry.one) : h("span", { class: "palette-action", "aria-hidden": "true" }, "›");
    const choose = (): void => {
      this.#choose(entry);
    };
    return h("li", { role: "option", id: `palette-${index}`, onclick: choose }, mark, h("span", {}, name), key ? keyHint(key) : null);
  }

  #mark(): void {
    for (const [index, row] of [...this.#list.children].entries()) row.setAttribute("aria-selected", String(index === this.#at));
    if (this.#found.length > 0) this.#search.setAttribute("aria-activedescendant", `palette-${this.#at}`);
    else this.#search.removeAttribute("aria-activedescendant");
  }

  #key(event: KeyboardEvent): void {
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const entry = this.#found[this.#at];
    if (by !== undefined) {
      this.#at = Math.min(this.#found.length - 1, Math.max(0, this.#at + by));
      this.#mark();
    } else if (event.key === "Enter" && entry) this.#choose(entry);
    else return;
    event.preventDefault();
  }

  #choose(entry: Entry): void {
    this.#dialog.close();
    document.getElementById("canvas")?.focus();
    if (entry.type === "class") this.#workbench.gesture(setClass, { class: entry.one.number });
    else void this.#workbench.run(entry.one);
  }
}

/** Whether each word that was typed stands somewhere in the title. */
function holds(title: string, text: string): boolean {
  return text
    .toLowerCase()
    .split(/\s+/)
    .every((word) => title.toLowerCase().includes(word));
}
