/** What can be done, from the one list of commands: buttons of the page, the menu, and the dialog of all keys. */

import type { Command, Group, Workbench } from "../commands";
import { commandNamed, commands, gestures } from "../commands";
import { byId, h, keyHint, shownKey } from "./dom";

const GROUPS: readonly Group[] = ["Tools", "Cells", "Predictions", "History", "View", "Field"];

/** What hands do that is no command: the canvas itself. */
const HANDS: readonly (readonly [string, string])[] = [
  ["Turn the wheel", "Zoom where the pointer is"],
  ["Drag with the middle button, or with Space held", "Move the field, whatever the tool"],
  ["Drag on the field (select)", "Move the field"],
  ["Click (select)", "Select; a second click reaches what lies below"],
  ["Shift and click (select)", "Add to the selection, or take from it"],
  ["Shift and drag (select)", "Select all within a frame"],
  ["Alt and wheel", "Change the size of the selected cell, or of the next circle"],
  ["Drag a small round handle", "Pull a new corner out of a contour"],
  ["Alt and click a corner", "Remove it"],
  ["Double click, Enter, or the first corner (contour)", "Close the contour"],
  ["Backspace (contour)", "Take the last corner back"],
];

export class Menu {
  readonly #workbench: Workbench;
  readonly #toggles: Readonly<Record<string, () => boolean>>;
  readonly #menu = byId("menu", HTMLDetailsElement);
  readonly #keys = byId("keys", HTMLDialogElement);

  /** `toggles` says of commands that switch something whether it is on. */
  constructor(workbench: Workbench, toggles: Readonly<Record<string, () => boolean>>) {
    this.#workbench = workbench;
    this.#toggles = toggles;
    byId("menu-body", HTMLElement).replaceChildren(...GROUPS.map((group) => this.#groupOf(group)));
    for (const button of buttons()) this.#bind(button);
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

  showKeys(): void {
    if (this.#keys.open) return;
    byId("keys-body", HTMLElement).replaceChildren(...GROUPS.map(tableOf), this.#classKeys(), handsTable());
    this.#keys.showModal();
  }

  #bind(button: HTMLButtonElement): void {
    const command = commandNamed(button.dataset.command ?? "");
    if (command === undefined) throw new Error(`There is no command ${button.dataset.command ?? ""}.`);
    const [key] = command.keys;
    button.title = key ? `${command.title} (${shownKey(key)})` : command.title;
    if (!button.textContent.trim()) button.setAttribute("aria-label", command.title);
    if (command.keys.length) button.setAttribute("aria-keyshortcuts", command.keys.map(ariaKey).join(" "));
    button.addEventListener("click", () => {
      this.#run(command);
    });
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
      .map((command) => {
        const [key] = command.keys;
        const hint = key ? keyHint(key) : null;
        return h("button", { type: "button", "data-command": command.name }, h("span", {}, command.title), hint);
      });
    return h("section", { "aria-label": group }, h("p", { class: "menu-group" }, group), ...entries);
  }

  #classKeys(): HTMLElement {
    const rows = this.#workbench.context.classes.offered
      .filter((one) => one.hotkey)
      .map((one): readonly [string, string] => [Array.from(one.hotkey).join(" then "), one.name]);
    return table("Classes", rows);
  }
}

function buttons(): NodeListOf<HTMLButtonElement> {
  return document.querySelectorAll<HTMLButtonElement>("button[data-command]");
}

function tableOf(group: Group): HTMLElement {
  const keyed = commands
    .filter((command) => command.group === group && command.keys.length > 0)
    .map((command): readonly [string, string] => [command.keys.map(shownKey).join(" or "), command.title]);
  const handed = gestures
    .filter((gesture) => gesture.group === group)
    .map((gesture): readonly [string, string] => [gesture.how, gesture.title]);
  return table(group, [...keyed, ...handed]);
}

function handsTable(): HTMLElement {
  return table("On the field", HANDS);
}

function table(name: string, rows: readonly (readonly [string, string])[]): HTMLElement {
  const body = rows.map(([keys, title]) => h("tr", {}, h("th", { scope: "row" }, keys), h("td", {}, title)));
  return h("table", { class: "keys-table" }, h("caption", {}, name), h("tbody", {}, ...body));
}

/** As aria-keyshortcuts wants it: "Control+Z". */
function ariaKey(key: string): string {
  return key === "+" ? "Plus" : key.replace("Ctrl", "Control");
}
