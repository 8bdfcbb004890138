/** All that a person can do on a field. Menu, shortcuts dialog and help table are made from these lists. */

import * as cells from "./cells";
import type { Command, Gesture } from "./command";
import { recentClasses } from "./classes";
import { fields, history, tools, views } from "./looking";
import { Keymap } from "./keymap";
import * as outlining from "./outlining";
import * as predictions from "./predictions";
import * as walking from "./walking";

export const commands: readonly Command[] = [
  ...tools,
  cells.placeCircle,
  cells.deleteSelected,
  outlining.outlineSelected,
  outlining.shrinkSelected,
  cells.grow,
  cells.shrink,
  ...cells.nudges,
  ...recentClasses,
  walking.nextCell,
  walking.previousCell,
  predictions.nextUncertain,
  predictions.previousUncertain,
  predictions.acceptSelected,
  predictions.rejectSelected,
  predictions.acceptShown,
  predictions.rejectShown,
  predictions.showMore,
  predictions.showFewer,
  ...history,
  ...views,
  ...fields,
];

/** What hands do on the canvas, for the help; the tools call them by their own types. */
export const gestures: readonly Gesture<never>[] = [
  cells.drawCell,
  cells.reshapeCell,
  cells.moveCells,
  cells.setClass,
  cells.setAttribute,
  predictions.correctPrediction,
  predictions.setThreshold,
];

const byName = new Map(commands.map((command) => [command.name, command]));
const asListed = new Keymap(commands);

export function commandNamed(name: string): Command | undefined {
  return byName.get(name);
}

/** The command of a key as keyOf writes it, where nobody has changed it. */
export function commandOf(key: string): Command | undefined {
  return asListed.commandOf(key);
}

export { deleteSelected, drawCell, moveCells, placeCircle, reshapeCell, setAttribute, setClass } from "./cells";
export { CannotBeDone } from "./command";
export type { Command, Context, Gesture, Group, Screen, Tool } from "./command";
export type { Bindings } from "./keymap";
export { faultOfKey, Keymap } from "./keymap";
export { isWhole, keyOf } from "./keys";
export { outlineSelected, shrinkSelected } from "./outlining";
export { acceptSelected, correctPrediction, setThreshold, uncertain, uncertainty } from "./predictions";
export { Workbench } from "./workbench";
