/** What can be done, from the one list of commands: the buttons of the page and the menu. */

import type { Command, Group, Keymap, Workbench } from "../commands";
import { commandNamed, commands } from "../commands";
import { GROUPS } from "../commands/help";
import { byId, h, keyHint, shownKey } from "./dom";

export class Menu {
  readonly #workbench: Workbench;
  readonly #keymap: Keymap;
  readonly #toggles: Readonly<Record<string, () => boolean>>;
  readonly #menu = byId("menu", HTMLDetailsElement);

  /** `toggles` says of commands that switch something whether it is on. */
  constructor(workbench: Workbench, keymap: Keymap, toggles: Readonly<Record<string, () => boolean>>) {
    this.#workbench = workbench;
    this.#keymap = keymap;
    this.#toggles = toggles;
    byId("menu-body", HTMLElement).replaceChildren(...GROUPS.map((group) => this.#groupOf(group)));
    for (const button of buttons()) this.#bind(button);
    this.#nameKeys();
    keymap.on(() => {
      this.#nameKeys();
    });
    this.#menu.addEventListener("toggle", () => {
      this.update();
    });
    this.update();
  }

  /** Shows which commands are possible now, and which tool and switches are on. */
  update(): void {
    for (const button of buttons()) {
      const command = commandNamed(button.dataset.command ?? "");
      if (command === undefined) continue;
      const disabled = !this.#workbench.isEnabled(command);
      if (button.disabled !== disabled) button.disabled = disabled;
      const toggle = this.#toggles[command.name];
      if (toggle) button.setAttribute("aria-pressed", String(toggle()));
    }
  }

  #bind(button: HTMLButtonElement): void {
    const command = commandNamed(button.dataset.command ?? "");
    if (command === undefined) throw new Error(`There is no command ${button.dataset.command ?? ""}.`);
    if (!button.textContent.trim()) button.setAttribute("aria-label", command.title);
    button.addEventListener("click", () => {
      this.#run(command);
    });
  }

  /** Writes the keys to the buttons and entries: a person may have changed them. */
  #nameKeys(): void {
    for (const button of buttons()) {
      const command = commandNamed(button.dataset.command ?? "");
      if (command === undefined) continue;
      const keys = this.#keymap.keysOf(command);
      const [key] = keys;
      button.title = key ? `${command.title} (${shownKey(key)})` : command.title;
      if (keys.length) button.setAttribute("aria-keyshortcuts", keys.map(ariaKey).join(" "));
      else button.removeAttribute("aria-keyshortcuts");
      button.querySelector("kbd")?.remove();
      if (key && button.closest("#menu-body")) button.append(keyHint(key));
    }
  }

  #run(command: Command): void {
    const fromMenu = this.#menu.open;
    this.#menu.open = false;
    void this.#workbench.run(command);
    if (fromMenu) document.getElementById("canvas")?.focus();
  }

  #groupOf(group: Group): HTMLElement {
    const entries = commands
      .filter((command) => command.group === group)
      .map((command) => h("button", { type: "button", "data-command": command.name }, h("span", {}, command.title)));
    return h("section", { "aria-label": group }, h("p", { class: "menu-group" }, group), ...entries);
  }
}

function buttons(): NodeListOf<HTMLButtonElement> {
  return document.querySelectorAll<HTMLButtonElement>("button[data-command]");
}

/** As aria-keyshortcuts wants it: "Control+Z". */
function ariaKey(key: string): string {
  return key === "+" ? "Plus" : key.replace("Ctrl", "Control");
}
