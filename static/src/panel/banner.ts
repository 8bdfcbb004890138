/** Says why nothing can be changed here, and offers what can be done about it. */

import type { Api } from "../api";
import { ApiError } from "../api";
import type { WorkbenchData } from "../types";
import { answered } from "./dialogs";
import { byId, h } from "./dom";

export class Banner {
  readonly #data: WorkbenchData;
  readonly #api: Api;
  readonly #queue: string;
  readonly #box = byId("banner", HTMLElement);

  constructor(data: WorkbenchData, api: Api, queue: string) {
    this.#data = data;
    this.#api = api;
    this.#queue = queue;
    this.#show();
  }

  #show(): void {
    const { may, reading, holder } = this.#data;
    const anew = button("Label it anew", () => void this.#open(true));
    const steal = button("Take it over", () => void this.#open(reading !== null, true));
    const reopen = button("Reopen", () => void this.#reopen());
    const mayReopen = reading?.state === "submitted" && reading.author !== null && (reading.mine ? may.label : may.review);
    this.#box.replaceChildren(
      h("p", {}, whyOf(this.#data)),
      ...(may.label && reading !== null && holder === null ? [anew] : []),
      ...(may.label && holder !== null ? [steal] : []),
      ...(mayReopen ? [reopen] : []),
      ...(reading?.mine ? [h("a", { class: "btn btn-sm btn-outline-secondary", href: this.#queue }, "Go on")] : []),
    );
    this.#box.hidden = false;
  }

  async #open(fromCurrent: boolean, steal = false): Promise<void> {
    await this.#try(() => this.#api.openReading(fromCurrent, steal), () => {
      location.reload();
    });
  }

  async #reopen(): Promise<void> {
    const { reading } = this.#data;
    if (reading === null || (await answered(byId("reopen", HTMLDialogElement))) !== "yes") return;
    const reason = byId("reopen-reason", HTMLTextAreaElement).value.trim();
    await this.#try(() => this.#api.reopen(reading.id, reason), () => {
      // Somebody else's reading is theirs again; staying here would begin one of one's own.
      if (reading.mine) location.reload();
      else location.assign(this.#queue);
    });
  }

  async #try(deed: () => Promise<unknown>, then: () => void): Promise<void> {
    try {
      await deed();
      then();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.#box.querySelector(".text-bad")?.remove();
      this.#box.append(h("p", { class: "text-bad", role: "alert" }, error.message));
      // Somebody began while this page was open.
      if (error.status === 409) this.#box.append(button("Take it over", () => void this.#open(this.#data.reading !== null, true)));
    }
  }
}

function button(label: string, deed: () => void): HTMLButtonElement {
  return h("button", { type: "button", class: "btn btn-sm btn-outline-secondary", onclick: deed }, label);
}

function whyOf({ reading, holder, may }: WorkbenchData): string {
  if (holder !== null && may.label) {
    const who = holder.name ?? "Somebody";
    return `${who} is at work on this field. Take another one, or take this one over: nothing of theirs is lost, and it is noted.`;
  }
  if (reading === null) return may.label ? "Nobody has labelled this field." : "Nobody has labelled this field. You may look at it, but not label.";
  const whose = reading.mine ? "your reading" : reading.author === null ? `a reading that was ${reading.source}` : `the reading of ${reading.author}`;
  const states = { open: "not finished yet", submitted: "submitted", signed_off: "signed off", sealed: "sealed" };
  const extent = reading.exhaustive ? "every countable cell is labelled" : "not every cell is labelled";
  return `You are looking at ${whose}, ${states[reading.state]}${reading.state === "open" ? "" : `; ${extent}`}. It cannot be changed here.`;
}
