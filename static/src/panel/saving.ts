/** Whether all is saved, and what is not: conflicts with their choice, refusals with their reason. */

import type { Workbench } from "../commands";
import { bounds } from "../shapes";
import type { Conflict, Refusal, Sync, SyncStatus } from "../sync";
import type { CellContent, Shape } from "../types";
import { byId, h } from "./dom";

export class SavingPanel {
  readonly #workbench: Workbench;
  readonly #sync: Sync;
  readonly #line = byId("saving", HTMLButtonElement);
  readonly #dialog = byId("saving-dialog", HTMLDialogElement);
  readonly #body = byId("saving-body", HTMLElement);
  readonly #head = h("p", {});
  /** What the dialog says now. While only the seconds go by nothing is made anew: a button keeps its focus. */
  #words = "";

  constructor(workbench: Workbench, sync: Sync) {
    this.#workbench = workbench;
    this.#sync = sync;
    sync.on((status) => {
      this.#show(status);
    });
    this.#line.addEventListener("click", () => {
      this.open();
    });
    this.#show(sync.status);
  }

  open(): void {
    this.#fill(this.#sync.status);
    if (!this.#dialog.open) this.#dialog.showModal();
  }

  #show(status: SyncStatus): void {
    const text = lineOf(status);
    if (this.#line.textContent !== text) {
      const before = this.#line.dataset.state;
      this.#line.textContent = text;
      this.#line.dataset.state = status.state;
      const isNews = status.state !== before && status.state !== "saving" && before !== undefined;
      if (isNews && !(before === "saving" && status.state === "saved")) this.#workbench.context.screen.say(text);
    }
    if (!this.#dialog.open) return;
    this.#head.textContent = text;
    if (wordsOf(status) !== this.#words) this.#fill(status);
  }

  #fill(status: SyncStatus): void {
    const { conflicts, refusals, waiting, problem, isKept } = status;
    const rest = waiting - conflicts.length - refusals.length;
    this.#words = wordsOf(status);
    this.#head.textContent = lineOf(status);
    this.#body.replaceChildren(
      this.#head,
      ...(problem ? [h("p", { class: "text-warn" }, problem)] : []),
      ...(isKept ? [] : [h("p", { class: "text-bad" }, "This browser keeps nothing: do not close the page before all is saved.")]),
      ...(rest > 0 ? [h("p", {}, `${things(rest)} on the way to the server.`)] : []),
      ...conflicts.map((conflict) => this.#conflict(conflict)),
      ...refusals.map((refusal) => this.#refusal(refusal)),
      ...(waiting > 0 ? [this.#button("Try again now", () => { this.#sync.retry(); })] : []),
    );
  }

  #conflict(conflict: Conflict): HTMLElement {
    const { key, mine, theirs } = conflict;
    const who = theirs.author ?? "someone";
    return h(
      "section",
      { class: "trouble" },
      h("h3", {}, "Changed meanwhile"),
      h("p", {}, `This cell was changed in another window or by somebody else (${who}) since you saw it. Which one shall stay?`),
      h(
        "div",
        { class: "versions" },
        h("div", {}, h("h4", {}, "Mine"), this.#version(mine)),
        h("div", {}, h("h4", {}, "Theirs"), this.#version(theirs.deleted ? null : theirs)),
      ),
      h(
        "div",
        { class: "buttons" },
        this.#button("Keep mine", () => { this.#sync.keepMine(key); }),
        this.#button("Take theirs", () => { this.#sync.takeTheirs(key); }),
        this.#look((mine ?? theirs).shape),
      ),
    );
  }

  #refusal({ key, uuid, prediction, message }: Refusal): HTMLElement {
    const { store } = this.#workbench.context;
    const shape = (uuid === null ? undefined : store.cell(uuid)?.shape) ?? store.prediction(prediction ?? -1)?.shape;
    return h(
      "section",
      { class: "trouble" },
      h("h3", {}, "Refused by the server"),
      h("p", {}, message),
      h("p", { class: "quiet" }, "It is kept here. Change the cell to mend it, or give the change up."),
      h(
        "div",
        { class: "buttons" },
        shape ? this.#look(shape) : null,
        this.#button("Give the change up", () => { this.#sync.discard(key); }),
      ),
    );
  }

  #version(content: CellContent | null): HTMLElement {
    if (content === null) return h("p", {}, "Deleted");
    const name = this.#workbench.context.classes.get(content.class)?.name ?? `Class ${content.class}`;
    return h("p", {}, h("strong", {}, name), h("br"), described(content.shape));
  }

  #look(shape: Shape): HTMLButtonElement {
    return this.#button("Look at it", () => {
      this.#dialog.close();
      this.#workbench.context.screen.show(bounds(shape));
    });
  }

  #button(label: string, deed: () => void): HTMLButtonElement {
    const attributes = { type: "button", class: "btn btn-sm btn-outline-secondary", onclick: deed };
    return h("button", attributes, label);
  }
}

function wordsOf(status: SyncStatus): string {
  return JSON.stringify({ ...status, retryIn: null });
}

export function lineOf({ state, waiting, conflicts, refusals, retryIn }: SyncStatus): string {
  if (state === "conflict") return conflicts.length === 1 ? "1 conflict" : `${conflicts.length} conflicts`;
  if (state === "refused") return `${refusals.length} refused`;
  if (state === "offline") {
    const next = retryIn === null ? "" : `, next try in ${retryIn} s`;
    return `Offline: ${waiting} waiting in this browser${next}`;
  }
  return state === "saving" ? `Saving ${waiting}` : "All saved";
}

function things(count: number): string {
  return count === 1 ? "One change is" : `${count} changes are`;
}

function described({ kind, points }: Shape): string {
  const [x = 0, y = 0, r = 0] = points.map((value) => Math.round(value * 10) / 10);
  if (kind === "circle") return `Circle at ${x}, ${y}, radius ${r} px`;
  return kind === "box" ? `Box from ${x}, ${y}` : `Contour of ${points.length / 2} corners`;
}
