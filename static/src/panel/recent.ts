/** The classes used last, each with its number key: a row above the list. Kept in this browser, project by project. */

import type { Keymap, Workbench } from "../commands";
import { commandNamed } from "../commands";
import { prefer, preference } from "../page";
import { recentFrom } from "../recent";
import type { Recent } from "../recent";
import { byId, h, keyHint, swatch } from "./dom";

export class RecentPanel {
  readonly #box = byId("recent", HTMLElement);
  readonly #workbench: Workbench;
  readonly #keymap: Keymap;
  readonly #kept: string;
  #shown: Recent | null = null;

  constructor(workbench: Workbench, keymap: Keymap, project: string) {
    const { store, classes } = workbench.context;
    this.#workbench = workbench;
    this.#keymap = keymap;
    this.#kept = `recent:${project}`;
    store.look({ recent: recentFrom(preference(this.#kept), (number) => classes.offered.some((one) => one.number === number)) });
    store.on((event) => {
      if (event.type === "view") this.#show();
    });
    keymap.on(() => {
      this.#shown = null;
      this.#show();
    });
    this.#show();
  }

  #show(): void {
    const { recent } = this.#workbench.context.store.view;
    if (recent === this.#shown) return;
    this.#shown = recent;
    prefer(this.#kept, JSON.stringify(recent));
    this.#box.hidden = recent.slots.length === 0;
    this.#box.replaceChildren(...recent.slots.flatMap((number, slot) => this.#choice(number, slot)));
  }

  #choice(number: number, slot: number): HTMLElement[] {
    const [one, command] = [this.#workbench.context.classes.get(number), commandNamed(`class.recent.${slot + 1}`)];
    if (one === undefined || command === undefined) return [];
    const [key] = this.#keymap.keysOf(command);
    const run = (): void => {
      void this.#workbench.run(command);
      document.getElementById("canvas")?.focus();
    };
    const attributes = { type: "button", class: "recent-choice", title: `${one.name}, used not long ago`, onclick: run };
    return [h("button", attributes, swatch(one), h("span", {}, one.name), key ? keyHint(key) : null)];
  }
}
