/** How to tell the chosen class: the project's words, and reference cells that its reviewers chose. */

import type { Workbench } from "../commands";
import { byId, h, swatch } from "./dom";

export interface Reference {
  readonly picture: string;
  readonly note: string;
}

/** By the number of the class. */
export type References = Readonly<Record<string, readonly Reference[]>>;

export class GuidelinePanel {
  readonly #workbench: Workbench;
  readonly #references: Map<number, Reference[]>;
  readonly #box = byId("guideline", HTMLElement);
  readonly #name = byId("guideline-class", HTMLElement);
  #shown: number | null = null;

  constructor(workbench: Workbench, references: References) {
    this.#workbench = workbench;
    this.#references = new Map(Object.entries(references).map(([number, some]) => [Number(number), [...some]]));
    workbench.context.store.on((event) => {
      if (event.type === "view" || event.type === "selection" || event.type === "cells") this.#show();
    });
    this.#show();
  }

  /** A reference that was just chosen. */
  add(number: number, reference: Reference): void {
    const known = this.#references.get(number) ?? [];
    if (!known.some(({ picture }) => picture === reference.picture)) this.#references.set(number, [...known, reference]);
    this.#shown = null;
    this.#show();
  }

  #show(): void {
    const { store, classes } = this.#workbench.context;
    const [cell, prediction] = [store.selectedCells()[0], store.selectedPredictions()[0]];
    const number = (cell ?? prediction)?.class ?? store.view.activeClass ?? classes.first?.number;
    const one = number === undefined ? undefined : classes.get(number);
    if (one === undefined || one.number === this.#shown) return;
    this.#shown = one.number;
    this.#name.replaceChildren(swatch(one), one.name);
    const references = this.#references.get(one.number) ?? [];
    this.#box.replaceChildren(
      h("p", { class: one.guideline ? "guideline-text" : "quiet" }, one.guideline || "No guideline is written for this class."),
      references.length
        ? h("ul", { class: "references" }, ...references.map((reference) => figureOf(one.name, reference)))
        : h("p", { class: "quiet" }, "No reference cells are chosen for this class."),
    );
  }
}

function figureOf(name: string, { picture, note }: Reference): HTMLElement {
  const image = h("img", { src: picture, alt: `Reference cell: ${name}`, width: 80, height: 80, loading: "lazy" });
  return h("li", {}, image, note ? h("span", { class: "quiet" }, note) : null);
}
