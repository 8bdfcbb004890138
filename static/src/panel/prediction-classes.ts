/** The classes that the model suggests, each with its counts and a tick that shows or hides them. */

import type { Workbench } from "../commands";
import { byId, h, swatch } from "./dom";

interface Row {
  readonly row: HTMLElement;
  readonly tick: HTMLInputElement;
  readonly count: HTMLElement;
}

export class PredictionClasses {
  readonly #workbench: Workbench;
  readonly #list = byId("prediction-classes", HTMLElement);
  readonly #rows = new Map<number, Row>();

  constructor(workbench: Workbench) {
    this.#workbench = workbench;
  }

  /** `shown` of the `open` ones. */
  show(): void {
    const { store, classes } = this.#workbench.context;
    const counts = new Map<number, { open: number; shown: number }>();
    for (const one of store.predictions()) {
      if (!store.isOpen(one.id)) continue;
      const count = counts.get(one.class) ?? { open: 0, shown: 0 };
      counts.set(one.class, count);
      count.open += 1;
      if (store.isShown(one)) count.shown += 1;
    }
    for (const one of classes.all) {
      const count = counts.get(one.number);
      const row = this.#rows.get(one.number) ?? (count ? this.#made(one.number) : undefined);
      if (row === undefined) continue;
      row.row.hidden = count === undefined;
      row.tick.checked = !store.view.hiddenPredictions.has(one.number);
      const text = count ? `${count.shown} of ${count.open}` : "";
      if (row.count.textContent !== text) row.count.textContent = text;
    }
  }

  #made(number: number): Row {
    const { store, classes } = this.#workbench.context;
    const one = classes.get(number) ?? { name: `Class ${number}`, colour: "#ffffff", line: "solid" as const };
    const tick = h("input", { type: "checkbox" });
    const count = h("span", { class: "number quiet" });
    const row = h("label", { class: "prediction-class" }, tick, swatch(one), h("span", { class: "class-name" }, one.name), count);
    tick.addEventListener("change", () => {
      const hidden = new Set(store.view.hiddenPredictions);
      if (tick.checked) hidden.delete(number);
      else hidden.add(number);
      store.look({ hiddenPredictions: hidden });
    });
    const made = { row, tick, count };
    this.#rows.set(number, made);
    this.#list.append(row);
    return made;
  }
}
