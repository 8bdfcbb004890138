/**
 * Looks every few seconds whether another model predicts by now. What nobody has decided about is replaced; where a
 * person has decided, all stays as it is, and the banner offers the new suggestions.
 */

import type { Api, PredictionsInfo, SuggestedInfo } from "../api";
import { ApiError } from "../api";
import type { Store } from "../store";
import type { ModelInfo } from "../types";
import { byId, h } from "./dom";

const EVERY_MS = 5_000;

export class PromotionWatch {
  readonly #api: Api;
  readonly #store: Store;
  readonly #show: (found: PredictionsInfo) => void;
  readonly #box = byId("banner", HTMLElement);
  #shown: ModelInfo | null;
  /** The model that was told of last: nobody is told twice. */
  #told: number | null;

  constructor(api: Api, store: Store, start: SuggestedInfo, show: (found: PredictionsInfo) => void) {
    this.#api = api;
    this.#store = store;
    this.#show = show;
    this.#shown = start.model;
    this.#told = start.model?.id ?? null;
    void this.#take(start);
    setInterval(() => {
      if (document.visibilityState === "visible") void this.#ask();
    }, EVERY_MS);
  }

  async #ask(): Promise<void> {
    try {
      await this.#take(await this.#api.suggested());
    } catch (error) {
      // The server away, or the person signed out: what waits to be saved tells of it.
      if (!(error instanceof ApiError)) throw error;
    }
  }

  async #take({ newest, predictions_hidden: hidden }: SuggestedInfo): Promise<void> {
    if (hidden || newest === null || newest.id === this.#told) return;
    this.#told = newest.id;
    if (isTouched(this.#store)) {
      this.#offer(newest);
      return;
    }
    await this.#load();
    this.#say(`${newest.label} predicts now: what it suggests is shown.`);
  }

  #offer(newest: ModelInfo): void {
    const before = this.#shown?.label ?? "another model";
    const button = h("button", { type: "button", class: "btn btn-sm btn-outline-secondary" }, `Show what ${newest.label} suggests`);
    button.addEventListener("click", () => {
      void this.#load().then(() => {
        this.#box.hidden = true;
      });
    });
    this.#say(`${newest.label} predicts now. What you decided about ${before}'s predictions stays as it is.`, button);
  }

  async #load(): Promise<void> {
    const found = await this.#api.predictions();
    this.#shown = found.model;
    this.#show(found);
  }

  #say(words: string, ...buttons: readonly HTMLElement[]): void {
    const close = h("button", { type: "button", class: "btn btn-sm btn-link" }, "Close");
    close.addEventListener("click", () => {
      this.#box.hidden = true;
    });
    this.#box.replaceChildren(h("p", {}, words), ...buttons, close);
    this.#box.hidden = false;
  }
}

/** Whether a person has decided about a prediction here. */
export function isTouched(store: Store): boolean {
  for (const cell of store.cells()) if (cell.prediction !== null) return true;
  for (const one of store.predictions()) if (store.isRejected(one.id)) return true;
  return false;
}
