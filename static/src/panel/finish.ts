/** Finishing a field: what is still open, whether every countable cell is labelled, and on to the next. */

import type { Api } from "../api";
import { ApiError } from "../api";
import type { Workbench } from "../commands";
import type { Sync } from "../sync";
import { byId, h } from "./dom";
import { lineOf } from "./saving";

export class FinishDialog {
  readonly #workbench: Workbench;
  readonly #sync: Sync;
  readonly #api: Api;
  readonly #reading: number;
  readonly #queue: string;
  readonly #isBlind: boolean;
  readonly #unseenOf: () => string;
  readonly #dialog = byId("finish", HTMLDialogElement);
  readonly #notes = byId("finish-notes", HTMLElement);
  readonly #fault = byId("finish-fault", HTMLElement);
  readonly #send = byId("finish-send", HTMLButtonElement);
  #isBusy = false;

  constructor(workbench: Workbench, sync: Sync, api: Api, reading: number, queue: string, isBlind = false, unseenOf: () => string = () => "") {
    this.#unseenOf = unseenOf;
    this.#workbench = workbench;
    this.#sync = sync;
    this.#api = api;
    this.#reading = reading;
    this.#queue = queue;
    this.#isBlind = isBlind;
    byId("finish-form", HTMLFormElement).addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#submit();
    });
    byId("finish-cancel", HTMLButtonElement).addEventListener("click", () => {
      this.#dialog.close();
    });
    sync.on(() => {
      if (this.#dialog.open) this.#note();
    });
  }

  open(): void {
    if (this.#dialog.open) return;
    this.#fault.textContent = "";
    this.#note();
    this.#dialog.showModal();
  }

  /** What stands in the way, and what is only to be known. */
  #note(): void {
    const { store } = this.#workbench.context;
    const { status } = this.#sync;
    const open = [...store.predictions()].filter((one) => store.isOpen(one.id) && one.score >= store.view.threshold).length;
    const stuck = status.conflicts.length + status.refusals.length;
    const notes = [
      store.size === 0 ? "No cell is labelled." : `${things(store.size, "cell")} ${store.size === 1 ? "is" : "are"} labelled.`,
      open > 0 ? `${things(open, "prediction")} with a score of ${store.view.threshold.toFixed(2)} or more ${open === 1 ? "is" : "are"} neither accepted nor rejected. They will count as not answered.` : "",
      this.#unseenOf(),
      this.#isBlind ? "Its predictions were hidden. They are shown when you have finished, beside what you labelled." : "",
      stuck > 0 ? `${lineOf(status)}: decide about ${stuck === 1 ? "it" : "them"} first, under “${lineOf(status)}” in the bar.` : "",
      stuck === 0 && status.waiting > 0 ? `${lineOf(status)}. Finishing waits until all is saved.` : "",
    ].filter(Boolean);
    this.#notes.replaceChildren(...notes.map((note) => h("li", {}, note)));
    this.#send.disabled = this.#isBusy || stuck > 0;
  }

  async #submit(): Promise<void> {
    const chosen = this.#dialog.querySelector<HTMLInputElement>("input[name=exhaustive]:checked");
    if (chosen === null) {
      this.#fault.textContent = "Say whether every countable cell is labelled.";
      this.#dialog.querySelector<HTMLInputElement>("input[name=exhaustive]")?.focus();
      return;
    }
    this.#busy(true);
    try {
      if (!(await this.#sync.flush())) {
        this.#fault.textContent = `Not all is saved yet (${lineOf(this.#sync.status)}). Nothing is lost; try again when it is.`;
        return;
      }
      const { next } = await this.#api.submit(this.#reading, chosen.value === "yes");
      this.#sync.stop();
      // What was read without predictions is looked at beside them now.
      if (this.#isBlind) location.reload();
      else location.assign(next ?? this.#queue);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.#fault.textContent = error.message;
    } finally {
      this.#busy(false);
    }
  }

  #busy(isBusy: boolean): void {
    this.#isBusy = isBusy;
    this.#send.disabled = isBusy;
    if (isBusy) this.#fault.textContent = "";
  }
}

function things(count: number, word: string): string {
  return count === 1 ? `One ${word}` : `${count} ${word}s`;
}
