/** Classes by the number keys: the five that were used last. */

import { RECENT } from "../recent";
import { setClass } from "./cells";
import type { Command, Context } from "./command";

export const recentClasses: readonly Command[] = Array.from({ length: RECENT }, (_, slot) => ({
  name: `class.recent.${slot + 1}`,
  title: `Set the class on number key ${slot + 1}, one of the five used last`,
  group: "Classes",
  keys: [String(slot + 1)],
  edits: false,
  enabled: ({ store }: Context) => store.view.recent.slots[slot] !== undefined,
  perform: (context: Context) => {
    const number = context.store.view.recent.slots[slot];
    return number === undefined ? [] : setClass.perform(context, { class: number });
  },
}));
