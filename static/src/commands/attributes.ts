/** What a cell is besides its class: switched on and off for all that is selected. */

import { setAttribute } from "./cells";
import type { Command, Context } from "./command";

/** The names are those of the exports; a haematologist's words beside them. */
export const ATTRIBUTES = [
  { name: "immature", words: "immature", key: "Shift+I" },
  { name: "atypical", words: "atypical", key: "Shift+T" },
  { name: "cut", words: "cut by the border", key: "Shift+E" },
  { name: "mitosis", words: "in mitosis", key: "Shift+M" },
] as const;

export const attributes: readonly Command[] = ATTRIBUTES.map(({ name, words, key }) => ({
  name: `attribute.${name}`,
  title: `Mark the selected cells as ${words}, or not`,
  group: "Classes",
  keys: [key],
  edits: true,
  enabled: ({ store }: Context) => store.selection.cells.size > 0,
  // Where some have it and some do not, all have it then.
  perform: (context: Context) => setAttribute.perform(context, { name, value: hasAll(context, name) ? null : true }),
}));

export function hasAll({ store }: Context, name: string): boolean {
  const cells = store.selectedCells();
  return cells.length > 0 && cells.every((cell) => cell.attributes[name] === true);
}
