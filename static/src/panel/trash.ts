/** The trash: deleted cells of this reading, from which they are brought back. */

import type { Workbench } from "../commands";
import { restoreCells } from "../commands";
import { bounds, diameter } from "../shapes";
import type { Cell } from "../types";
import { byId, h, swatch } from "./dom";

/** So many are listed; those behind them come up when these are back. */
const LISTED = 30;

export class TrashPanel {
  readonly #workbench: Workbench;
  readonly #box = byId("trash", HTMLDetailsElement);
  readonly #count = byId("trash-count", HTMLElement);
  readonly #list = byId("trash-list", HTMLUListElement);
  #isDue = false;

  constructor(workbench: Workbench) {
    this.#workbench = workbench;
    workbench.context.store.on((event) => {
      if (event.type === "cells") this.#showSoon();
    });
    this.#box.addEventListener("toggle", () => {
      this.#show();
    });
    this.#show();
  }

  #showSoon(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    requestAnimationFrame(() => {
      this.#isDue = false;
      this.#show();
    });
  }

  #show(): void {
    const trash = this.#workbench.context.store.trash();
    this.#box.hidden = trash.length === 0;
    this.#count.textContent = String(trash.length);
    if (!this.#box.open) return;
    this.#list.replaceChildren(...trash.slice(0, LISTED).map((cell) => this.#row(cell)));
  }

  #row(cell: Cell): HTMLElement {
    const { classes, field, screen, mayEdit } = this.#workbench.context;
    const { name = `Class ${cell.class}`, colour = "#ffffff", line = "solid" } = classes.get(cell.class) ?? {};
    const across = diameter(cell.shape);
    const size = field.um_per_px === null ? `${across.toFixed(0)} px` : `${(across * field.um_per_px).toFixed(1)} µm`;
    const look = h(
      "button",
      { type: "button", class: "trash-look", title: "Show where it was", onclick: () => { screen.show(bounds(cell.shape)); } },
      swatch({ colour, line }),
      h("span", {}, `${name}, ${size}`),
    );
    const back = h(
      "button",
      {
        type: "button",
        class: "btn btn-sm btn-outline-secondary",
        "aria-label": `Bring back: ${name}, ${size}`,
        onclick: () => {
          this.#workbench.gesture(restoreCells, { uuids: [cell.uuid] });
          document.getElementById("canvas")?.focus();
        },
      },
      "Bring back",
    );
    back.disabled = !mayEdit;
    return h("li", {}, look, back);
  }
}
