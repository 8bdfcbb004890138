/** All that can be done, as tables for people: for the dialog of keys and for the page of the help, from one list. */

import type { Command, Gesture, Group } from "./command";

export const GROUPS: readonly Group[] = ["Tools", "Cells", "Classes", "Predictions", "History", "View", "Field"];

/** What hands do that is no command: the canvas itself. */
export const HANDS: readonly (readonly [string, string])[] = [
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

export interface Help {
  readonly name: string;
  readonly commands: readonly Command[];
  /** How a hand does it, and what. */
  readonly hands: readonly (readonly [string, string])[];
}

export function helpOf(commands: readonly Command[], gestures: readonly Gesture<never>[]): Help[] {
  const groups = GROUPS.map((name): Help => ({
    name,
    commands: commands.filter((command) => command.group === name),
    hands: gestures.filter((gesture) => gesture.group === name).map((gesture) => [gesture.how, gesture.title] as const),
  }));
  return [...groups, { name: "On the field", commands: [], hands: HANDS }];
}

const NAMES: Readonly<Record<string, string>> = {
  ArrowLeft: "←",
  ArrowRight: "→",
  ArrowUp: "↑",
  ArrowDown: "↓",
  Delete: "Del",
  PageUp: "Page up",
  PageDown: "Page down",
  Escape: "Esc",
};

/** How a key is written for people. */
export function shownKey(key: string): string {
  if (key === "+") return key;
  return key
    .split("+")
    .map((part) => NAMES[part] ?? part)
    .join(" ");
}
