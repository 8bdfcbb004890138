/** Commands of the eye: the screening grid, the adjusted view. None changes a cell. */

import type { Command, Context } from "./command";

function seeing(name: string, title: string, key: string, deed: (context: Context) => void): Command {
  return {
    name,
    title,
    group: "View",
    keys: [key],
    edits: false,
    perform(context) {
      deed(context);
      return [];
    },
  };
}

export const seeingCommands: readonly Command[] = [
  seeing("screening.next", "Go to the next tile that was not looked at", "Shift+J", ({ screen }) => {
    screen.screen("next");
  }),
  seeing("screening.previous", "Go back to the tile before that was not looked at", "Shift+H", ({ screen }) => {
    screen.screen("previous");
  }),
  seeing("screening.grid", "Show or hide the screening grid", "Shift+W", ({ screen }) => {
    screen.screen("toggle");
  }),
  seeing("view.adjusted", "See the picture as it is, or as it was adjusted", "Shift+V", ({ screen }) => {
    screen.screen("adjusted");
  }),
];
