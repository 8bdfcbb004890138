/** All that a person can do on a field. Menu, shortcuts dialog and help table are made from these lists. */

import * as cells from "./cells";
import type { Command, Gesture } from "./command";
import { attributes } from "./attributes";
import * as choosing from "./choosing";
import { recentClasses } from "./classes";
import * as clipboard from "./clipboard";
import * as contours from "./contours";
import { drawing, fields, history, tools, views } from "./looking";
import { Keymap } from "./keymap";
import { nextLikely } from "./likely";
import * as outlining from "./outlining";
import { lockSelected } from "./locking";
import * as predictions from "./predictions";
import { seeingCommands } from "./seeing";
import * as trash from "./trash";
import * as walking from "./walking";

export const commands: readonly Command[] = [
  ...tools,
  ...drawing,
  cells.placeCircle,
  cells.deleteSelected,
  outlining.outlineSelected,
  outlining.shrinkSelected,
  trash.restoreLast,
  clipboard.copySelected,
  clipboard.cutSelected,
  clipboard.pasteCopied,
  lockSelected,
  contours.convertToContour,
  contours.convertToCircle,
  contours.smoothSelected,
  cells.grow,
  cells.shrink,
  ...cells.nudges,
  ...recentClasses,
  ...attributes,
  walking.nextCell,
  walking.previousCell,
  predictions.nextUncertain,
  predictions.previousUncertain,
  predictions.acceptSelected,
  predictions.acceptAndCorrect,
  nextLikely,
  predictions.rejectSelected,
  predictions.acceptShown,
  predictions.rejectShown,
  choosing.nextByScore,
  choosing.previousByScore,
  predictions.showMore,
  predictions.showFewer,
  ...history,
  ...views,
  ...seeingCommands,
  choosing.selectAlike,
  ...fields,
];

/** What hands do on the canvas, for the help; the tools call them by their own types. */
export const gestures: readonly Gesture<never>[] = [
  cells.drawCell,
  cells.reshapeCell,
  cells.moveCells,
  contours.addToCell,
  contours.cutFromCell,
  contours.splitCell,
  trash.restoreCells,
  choosing.selectClass,
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

export { ATTRIBUTES, hasAll } from "./attributes";
export { deleteSelected, drawCell, moveCells, placeCircle, reshapeCell, setAttribute, setClass } from "./cells";
export { selectClass } from "./choosing";
export { CannotBeDone } from "./command";
export type { Command, Context, Gesture, Group, Screen, Tool } from "./command";
export { addToCell, cutFromCell, splitCell } from "./contours";
export type { Bindings } from "./keymap";
export { faultOfKey, Keymap } from "./keymap";
export { isWhole, keyOf } from "./keys";
export { outlineSelected, shrinkSelected } from "./outlining";
export { isLocked } from "./locking";
export { acceptSelected, correctPrediction, setThreshold, uncertain, uncertainty } from "./predictions";
export { restoreCells } from "./trash";
export { Workbench } from "./workbench";
