/** The classes, with keys and with the running differential: one list to choose from and to read. */

import type { Classes } from "../classes";
import type { Workbench } from "../commands";
import { selectClass, setClass } from "../commands";
import { differentialOf } from "../differential";
import type { Interval } from "../differential";
import type { CellClass } from "../types";
import { prefer, preference } from "../page";
import { byId, h, keyHint, percent, swatch } from "./dom";

const OCCURRING = "only-occurring";

interface Row {
  readonly class: CellClass;
  readonly row: HTMLTableRowElement;
  readonly choice: HTMLButtonElement;
  readonly count: HTMLElement;
  readonly share: HTMLElement;
  readonly interval: HTMLElement;
}

export class ClassesPanel {
  readonly #workbench: Workbench;
  readonly #classes: Classes;
  readonly #search = byId("class-search", HTMLInputElement);
  readonly #occurring = byId("classes-occurring", HTMLInputElement);
  readonly #body = byId("classes-body", HTMLElement);
  readonly #sum = byId("differential-sum", HTMLElement);
  readonly #rows: Row[];
  #active: number | undefined;
  #found: readonly CellClass[];
  #isDue = false;

  constructor(workbench: Workbench) {
    this.#workbench = workbench;
    this.#classes = workbench.context.classes;
    this.#rows = treeOf(this.#classes).map(({ class: one, depth }) => this.#rowOf(one, depth));
    this.#body.replaceChildren(...this.#rows.map(({ row }) => row));
    this.#found = this.#rows.map((row) => row.class);
    this.#search.addEventListener("input", () => {
      this.#filter();
    });
    this.#occurring.checked = preference(OCCURRING) === "yes";
    this.#occurring.addEventListener("change", () => {
      prefer(OCCURRING, this.#occurring.checked ? "yes" : "no");
      this.#filter();
    });
    this.#search.addEventListener("keydown", (event) => {
      this.#key(event);
    });
    this.#body.addEventListener("keydown", (event) => {
      this.#walk(event);
    });
    workbench.context.store.on((event) => {
      if (event.type === "cells") this.#countSoon();
      if (event.type === "view" || event.type === "selection") this.#mark();
    });
    this.#count();
    this.#filter();
  }

  /** For the command: a class is looked for by its name. */
  find(): void {
    this.#search.focus();
    this.#search.select();
  }

  #rowOf(one: CellClass, depth: number): Row {
    const choice = h(
      "button",
      {
        type: "button",
        class: "class-choice",
        "data-depth": depth,
        "data-class": one.key,
        "aria-pressed": "false",
        title: one.counted ? one.name : `${one.name} (not counted in the differential)`,
        onclick: (event) => {
          if (event instanceof MouseEvent && event.shiftKey) this.#workbench.gesture(selectClass, { class: one.number });
          else this.#choose(one);
        },
      },
      swatch(one),
      h("span", { class: "class-name" }, one.name),
    );
    const [count, share, interval] = [h("td", { class: "number" }), h("td", { class: "number" }), h("td", { class: "number quiet" })];
    const key = h("td", {}, one.hotkey && !one.retired ? keyHint(one.hotkey) : null);
    const row = h("tr", {}, h("th", { scope: "row" }, choice), key, count, share, interval);
    return { class: one, row, choice, count, share, interval };
  }

  #choose(one: CellClass): void {
    if (one.retired) {
      this.#workbench.context.screen.say(`${one.name} is not offered any more.`);
      return;
    }
    this.#workbench.gesture(setClass, { class: one.number });
    this.#search.value = "";
    this.#filter();
    document.getElementById("canvas")?.focus();
  }

  #filter(): void {
    const text = this.#search.value.trim();
    const found = text === "" ? this.#rows.map((row) => row.class) : this.#classes.search(text);
    this.#found = found;
    this.#hide();
    this.#mark();
  }

  /** A search looks through all; without one, those that do not occur may be left out. */
  #hide(): void {
    const isShort = this.#occurring.checked && this.#search.value.trim() === "";
    for (const { row, class: one, count } of this.#rows) {
      const isAbsent = count.textContent === "" && (isShort || one.retired);
      row.hidden = isAbsent || !this.#found.includes(one);
    }
  }

  /** In the search: Enter chooses the best class found, arrow down goes to the list, Escape back to the field. */
  #key(event: KeyboardEvent): void {
    const [first] = this.#found;
    if (event.key === "Enter" && first) this.#choose(first);
    else if (event.key === "ArrowDown") this.#shown()[0]?.choice.focus();
    else if (event.key === "Escape") {
      this.#search.value = "";
      this.#filter();
      document.getElementById("canvas")?.focus();
    } else return;
    event.preventDefault();
  }

  /** In the list arrows go from class to class; one stop for Tab. */
  #walk(event: KeyboardEvent): void {
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (by === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    const shown = this.#shown();
    const at = shown.findIndex(({ choice }) => choice === document.activeElement);
    const next = shown[Math.min(shown.length - 1, Math.max(0, at + by))];
    if (next === undefined) return;
    for (const { choice } of this.#rows) choice.tabIndex = choice === next.choice ? 0 : -1;
    next.choice.focus();
  }

  #shown(): Row[] {
    return this.#rows.filter(({ row }) => !row.hidden);
  }

  #mark(): void {
    const { store } = this.#workbench.context;
    const selected = [...store.selectedCells(), ...store.selectedPredictions()].map((one) => one.class);
    const active = store.view.activeClass ?? this.#classes.first?.number;
    const best = this.#search.value.trim() === "" ? active : this.#found[0]?.number;
    for (const row of this.#rows) {
      const { number } = row.class;
      row.choice.setAttribute("aria-pressed", String(number === active));
      row.row.classList.toggle("of-selected", selected.includes(number));
      row.row.classList.toggle("best", best === number && best !== active);
      row.choice.tabIndex = number === active ? 0 : -1;
      if (number === active && this.#active !== active) row.row.scrollIntoView({ block: "nearest" });
    }
    this.#active = active;
    if (!this.#shown().some(({ choice }) => choice.tabIndex === 0)) {
      const [first] = this.#shown();
      if (first) first.choice.tabIndex = 0;
    }
  }

  /** Once a frame is often enough, however many cells a command has changed. */
  #countSoon(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    requestAnimationFrame(() => {
      this.#isDue = false;
      this.#count();
    });
  }

  #count(): void {
    const differential = differentialOf(this.#workbench.context.store.cells(), this.#classes);
    const found = new Map(differential.rows.map((row) => [row.class.number, row]));
    for (const { class: one, count, share, interval } of this.#rows) {
      const counts = found.get(one.number);
      write(count, counts ? String(counts.count) : "");
      write(share, typeof counts?.share === "number" ? percent(counts.share) : "");
      write(interval, intervalOf(counts?.interval ?? null));
    }
    this.#hide();
    const { counted, total, ratio, myeloid, erythroid, spoilt } = differential;
    this.#sum.replaceChildren(
      ...sum("Counted", String(counted), counted === total ? "" : `of ${total}`),
      ...sum("M:E", ratio === null ? "n/a" : ratio.toFixed(1), `${myeloid}:${erythroid}`),
      ...(spoilt > 0 ? sum("Smudge, artefact", `${percent(spoilt / total)} %`, `${spoilt} of ${total}`) : []),
    );
  }
}

function sum(name: string, value: string, note: string): HTMLElement[] {
  return [h("dt", {}, name), h("dd", {}, h("strong", {}, value), note ? h("span", { class: "quiet" }, ` ${note}`) : null)];
}

function intervalOf(interval: Interval | null): string {
  if (interval === null) return "";
  return `${percent(interval.low)}–${percent(interval.high)}`;
}

function write(cell: HTMLElement, text: string): void {
  if (cell.textContent !== text) cell.textContent = text;
}

/** The tree of the classes from its roots down; retired ones only while a cell has them is for the list to say. */
function treeOf(classes: Classes): { readonly class: CellClass; readonly depth: number }[] {
  const below = (parent: number | null, depth: number): { class: CellClass; depth: number }[] =>
    classes.all
      .filter((one) => one.parent === parent)
      .flatMap((one) => [{ class: one, depth }, ...below(one.number, depth + 1)]);
  return below(null, 0);
}
