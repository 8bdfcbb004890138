/** What a model suggests: from which score on it is shown, how many that are, and what is done with all of them. */

import type { Workbench } from "../commands";
import { setThreshold } from "../commands";
import type { ModelInfo } from "../types";
import { byId } from "./dom";
import { PredictionClasses } from "./prediction-classes";

export class PredictionsPanel {
  readonly #workbench: Workbench;
  readonly #slider = byId("threshold", HTMLInputElement);
  readonly #own = byId("threshold-own", HTMLButtonElement);
  readonly #value = byId("threshold-value", HTMLOutputElement);
  readonly #count = byId("prediction-count", HTMLElement);
  readonly #model = byId("prediction-model", HTMLElement);
  readonly #controls = byId("prediction-controls", HTMLElement);
  readonly #classes: PredictionClasses;
  readonly #hidden: boolean;
  /** The model's own threshold; null without a model. */
  #threshold: number | null = null;

  /** `hidden`: the field is read without predictions. */
  constructor(workbench: Workbench, model: ModelInfo | null, hidden = false) {
    this.#workbench = workbench;
    this.#hidden = hidden;
    this.#classes = new PredictionClasses(workbench);
    this.#slider.addEventListener("input", () => {
      workbench.gesture(setThreshold, { threshold: this.#slider.valueAsNumber / 100 });
    });
    this.#own.addEventListener("click", () => {
      workbench.gesture(setThreshold, { threshold: this.#threshold ?? 0.5 });
      this.#slider.focus(); // the button is gone now
    });
    workbench.context.store.on((event) => {
      if (event.type === "predictions" || event.type === "view") this.#show();
    });
    this.setModel(model);
  }

  setModel(model: ModelInfo | null): void {
    this.#model.textContent = model ? model.label : "";
    this.#threshold = model?.threshold ?? null;
    this.#show();
  }

  #show(): void {
    const { store } = this.#workbench.context;
    const [all, open] = [[...store.predictions()], [...store.predictions()].filter((one) => store.isOpen(one.id))];
    this.#controls.hidden = all.length === 0;
    const shown = store.shownPredictions().length;
    this.#classes.show();
    this.#count.textContent = this.#hidden
      ? "Hidden until you have finished this field, so that it can be measured what predictions do to readers."
      : all.length === 0
        ? "None here: no model has looked at this field, or it found nothing."
        : `${shown} shown of ${open.length} open; ${all.length - open.length} decided`;
    const threshold = Math.round(store.view.threshold * 100);
    if (this.#slider.valueAsNumber !== threshold) this.#slider.value = String(threshold);
    this.#value.textContent = (threshold / 100).toFixed(2);
    // What a person chose stays for the next fields: so it is said that there is another one, and what it is.
    const own = this.#threshold === null ? threshold : Math.round(this.#threshold * 100);
    this.#own.hidden = own === threshold;
    this.#own.textContent = `Back to the model's own ${(own / 100).toFixed(2)}`;
  }
}
