/** Second opinions: what reviewers said of the selected cell, for its reader to follow or not. */

import type { Workbench } from "../commands";
import { setClass } from "../commands";
import type { Opinion, Uuid } from "../types";
import { byId, h, swatch } from "./dom";

export class OpinionsPanel {
  readonly #workbench: Workbench;
  readonly #box = byId("opinions", HTMLElement);
  readonly #opinions = new Map<Uuid, Opinion[]>();

  constructor(workbench: Workbench, opinions: readonly Opinion[]) {
    this.#workbench = workbench;
    for (const one of opinions) this.#opinions.set(one.cell, [...(this.#opinions.get(one.cell) ?? []), one]);
    workbench.context.store.on((event) => {
      if (event.type === "selection" || event.type === "cells") this.#show();
    });
    this.#tellOfNews();
    this.#show();
  }

  #show(): void {
    const [cell, ...others] = this.#workbench.context.store.selectedCells();
    const found = cell && others.length === 0 ? (this.#opinions.get(cell.uuid) ?? []) : [];
    this.#box.hidden = found.length === 0;
    this.#box.replaceChildren(...found.map((one) => this.#row(one, cell?.class)));
  }

  #row({ class: number, note, author }: Opinion, present: number | undefined): HTMLElement {
    const { classes, mayEdit } = this.#workbench.context;
    const one = classes.get(number);
    const name = one?.name ?? `Class ${number}`;
    const follow = (): void => {
      this.#workbench.gesture(setClass, { class: number });
    };
    const button = h("button", { type: "button", class: "btn btn-sm btn-outline-secondary", onclick: follow }, `Follow: ${name}`);
    return h(
      "div",
      { class: "opinion" },
      h("p", {}, `Second opinion${author === null ? "" : ` by ${author}`}: `, one ? swatch(one) : null, h("strong", {}, ` ${name}`)),
      note ? h("q", {}, note) : null,
      mayEdit && present !== number && one?.retired === false ? h("div", { class: "buttons" }, button) : null,
    );
  }

  /** Cells that are unsure still and have an answer: told once, when the field is opened. */
  #tellOfNews(): void {
    const { store, classes, screen, mayEdit } = this.#workbench.context;
    const open = [...this.#opinions.keys()].filter((uuid) => classes.get(store.cell(uuid)?.class ?? -1)?.kind === "unsure");
    if (!mayEdit || open.length === 0) return;
    screen.say(open.length === 1 ? "A reviewer answered for one unsure cell." : `Reviewers answered for ${open.length} unsure cells.`);
    store.select(open);
  }
}
