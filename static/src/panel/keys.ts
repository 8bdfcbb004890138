/** All keys, from the one list of commands; and where a person gives an action another key. */

import type { Bindings, Command, Keymap, Workbench } from "../commands";
import { commands, faultOfKey, gestures, isWhole, keyOf } from "../commands";
import type { Help } from "../commands/help";
import { helpOf } from "../commands/help";
import { byId, h, keyHint, shownKey } from "./dom";

/** Keeps the keys of a person at the server; throws an error whose message says why it could not. */
export type SaveKeys = (bindings: Bindings) => Promise<void>;

export class KeysDialog {
  readonly #workbench: Workbench;
  readonly #keymap: Keymap;
  readonly #save: SaveKeys;
  readonly #dialog = byId("keys", HTMLDialogElement);
  readonly #body = byId("keys-body", HTMLElement);
  readonly #change = byId("keys-change", HTMLButtonElement);
  readonly #reset = byId("keys-reset", HTMLButtonElement);
  readonly #said = byId("keys-said", HTMLElement);
  #isChanging = false;
  /** The action whose next key is waited for. */
  #asking: Command | null = null;
  /** A key that another action has: shall it be taken from it? */
  #wish: { readonly command: Command; readonly key: string; readonly other: Command } | null = null;

  constructor(workbench: Workbench, keymap: Keymap, save: SaveKeys) {
    this.#workbench = workbench;
    this.#keymap = keymap;
    this.#save = save;
    keymap.on(() => {
      if (this.#dialog.open) this.#fill();
    });
    this.#change.addEventListener("click", () => {
      this.#isChanging = !this.#isChanging;
      this.#stopAsking();
    });
    this.#reset.addEventListener("click", () => {
      this.#stopAsking();
      void this.#keep({}, "All keys are as they come with the program.");
    });
    this.#dialog.addEventListener("keydown", (event) => {
      this.#key(event);
    }, { capture: true });
    this.#dialog.addEventListener("close", () => {
      this.#isChanging = false;
      this.#stopAsking();
    });
  }

  show(): void {
    if (this.#dialog.open) return;
    this.#say("");
    this.#fill();
    this.#dialog.showModal();
  }

  #fill(): void {
    const at = this.#body.scrollTop;
    this.#body.replaceChildren(...helpOf(commands, gestures).flatMap((help) => this.#tables(help)));
    this.#body.scrollTop = at;
    this.#change.textContent = this.#isChanging ? "Done" : "Change keys";
    this.#reset.hidden = !this.#isChanging || Object.keys(this.#keymap.bindings).length === 0;
    if (this.#asking) this.#buttonOf(this.#asking)?.focus();
  }

  #tables(help: Help): HTMLElement[] {
    const keyed = help.commands.map((command) => h("tr", {}, h("th", { scope: "row" }, ...this.#keysOf(command)), h("td", {}, command.title)));
    const handed = help.hands.map(([how, title]) => h("tr", {}, h("th", { scope: "row" }, how), h("td", {}, title)));
    const table = tableOf(help.name, [...keyed, ...handed]);
    return help.name === "Classes" ? [table, this.#classKeys()] : [table];
  }

  #keysOf(command: Command): (Node | string)[] {
    const keys = this.#keymap.keysOf(command);
    if (!this.#isChanging) return keys.flatMap((key, index) => (index ? [" or ", keyHint(key)] : [keyHint(key)]));
    const isAsked = this.#asking === command;
    const text = isAsked ? "Press a key" : keys.map(shownKey).join(" or ") || "none";
    const change = h(
      "button",
      {
        type: "button",
        class: "key-change",
        "data-key-of": command.name,
        "aria-label": `${command.title}: ${text}${isAsked ? "" : ", change"}`,
        onclick: () => {
          this.#ask(command);
        },
      },
      text,
    );
    if (!this.#keymap.isChanged(command)) return [change];
    const reset = h(
      "button",
      {
        type: "button",
        class: "key-reset",
        title: `Back to ${command.keys.map(shownKey).join(" or ") || "no key"}`,
        "aria-label": `${command.title}: back to the key that it comes with`,
        onclick: () => {
          this.#stopAsking();
          void this.#keep(this.#keymap.withoutChange(command), `${command.title} has its own key again.`);
        },
      },
      "↺",
    );
    return [change, reset];
  }

  #classKeys(): HTMLElement {
    const rows = this.#workbench.context.classes.offered
      .filter((one) => one.hotkey)
      .map((one) => {
        const keys = Array.from(one.hotkey).flatMap((key, index) => (index ? [" then ", keyHint(key)] : [keyHint(key)]));
        return h("tr", {}, h("th", { scope: "row" }, ...keys), h("td", {}, one.name));
      });
    return tableOf("Classes of this project", rows);
  }

  #ask(command: Command): void {
    this.#asking = command;
    this.#wish = null;
    this.#say(`Press the key for “${command.title}”. Escape leaves it as it is; Delete takes its key away.`);
    this.#fill();
  }

  #stopAsking(): void {
    this.#asking = null;
    this.#wish = null;
    this.#say("");
    this.#fill();
  }

  /** While a key is waited for every key is one, so nothing else hears it. */
  #key(event: KeyboardEvent): void {
    const command = this.#asking;
    if (command === null || !isWhole(event) || (this.#wish && ["Tab", "Enter", " "].includes(event.key))) return;
    event.preventDefault();
    event.stopPropagation();
    const key = keyOf(event);
    if (key === "Escape") {
      this.#stopAsking();
      this.#buttonOf(command)?.focus();
    } else if (key === "Delete" && !command.keys.includes("Delete")) {
      this.#give(command, { ...this.#keymap.bindings, [command.name]: [] }, `“${command.title}” has no key now.`);
    } else {
      this.#try(command, key);
    }
  }

  #try(command: Command, key: string): void {
    const fault = faultOfKey(key);
    const other = this.#keymap.commandOf(key);
    if (fault !== null) this.#say(`${shownKey(key)}: ${fault}`);
    else if (other === undefined || other === command) this.#give(command, this.#keymap.given(command, key), `${shownKey(key)}: ${command.title}.`);
    else this.#askToTake({ command, key, other });
  }

  #askToTake(wish: { readonly command: Command; readonly key: string; readonly other: Command }): void {
    this.#wish = wish;
    const { command, key, other } = wish;
    const take = h(
      "button",
      {
        type: "button",
        class: "btn btn-sm btn-outline-secondary",
        onclick: () => {
          this.#give(command, this.#keymap.given(command, key), `${shownKey(key)}: ${command.title}. “${other.title}” lost it.`);
        },
      },
      "Take it",
    );
    this.#said.replaceChildren(`${shownKey(key)} is the key of “${other.title}”. Take it from there, or press another one. `, take);
    take.focus();
  }

  #give(command: Command, bindings: Bindings, said: string): void {
    this.#asking = null;
    this.#wish = null;
    void this.#keep(bindings, said).then(() => {
      this.#buttonOf(command)?.focus();
    });
  }

  async #keep(bindings: Bindings, said: string): Promise<void> {
    const before = this.#keymap.bindings;
    this.#keymap.use(bindings);
    this.#say(said);
    try {
      await this.#save(this.#keymap.bindings);
    } catch (error) {
      this.#keymap.use(before);
      this.#say(`The keys could not be kept. ${error instanceof Error ? error.message : ""}`);
    }
  }

  #say(text: string): void {
    this.#said.replaceChildren(text);
  }

  #buttonOf(command: Command): HTMLElement | null {
    return this.#body.querySelector<HTMLElement>(`[data-key-of="${command.name}"]`);
  }
}

function tableOf(name: string, rows: readonly HTMLElement[]): HTMLElement {
  return h("table", { class: "keys-table" }, h("caption", {}, name), h("tbody", {}, ...rows));
}
