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
  ["Shift and drag (select), or drag with a pen", "Select all within a frame"],
  ["Drag from the middle (circle)", "Draw a circle; with Alt across it, from edge to edge"],
  ["Click (circle)", "Place a circle like the last one; 14 µm across before there is one"],
  ["Alt and wheel, or Shift and wheel", "Change the size of the selected cell, or of the next circle"],
  ["Click, drag, or both in turn (contour)", "Draw an outline, by corners and by hand"],
  ["Double click, Enter, or the first corner (contour)", "Close the outline; a line by hand closes where it comes round"],
  ["Backspace (contour)", "Take the last corner back"],
  ["Drag a small round handle", "Pull a new corner out of a contour"],
  ["Alt and click a corner", "Remove it"],
  ["Enter, or the same key again, after a lineage's key", "Stop at the lineage"],
  ["A finger", "Moves the field, two pinch, a tap is a click; a pen draws"],
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

/** The page of the help, in Markdown: the same tables that the workbench shows. */
export function helpPage(tables: readonly Help[]): string {
  const section = ({ name, commands, hands }: Help): string => {
    const keyed = commands.map(({ keys, title }) => `| ${keys.map((key) => `\`${shownKey(key)}\``).join(" or ") || "menu"} | ${title} |`);
    const handed = hands.map(([how, title]) => `| ${how} | ${title} |`);
    return [`## ${name}`, "", "| key or hand | what it does |", "|---|---|", ...keyed, ...handed, ""].join("\n");
  };
  return [HEAD, ...tables.map(section)].join("\n");
}

const HEAD = `# Keys of the workbench

All that can be done on a field, with the keys that come with the program. The same tables stand in the workbench under
\`?\`, where **Change keys** gives an action another key, for yourself and in all projects. The keys of the classes are
those of the project's ontology: the key of a lineage, then the key of a stage. This page is written from the list of
commands: \`npm run keys\` in \`static/\` writes it anew.
`;
