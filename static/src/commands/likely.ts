/** The model's second thought: where its best class is wrong, the right one is most often the next on its list. */

import type { Classes } from "../classes";
import type { Prediction } from "../types";
import { change, fitting, put } from "./cells";
import type { Command } from "./command";

/** Of many at once each goes to its own next class. After the last of the list the first comes again. */
export const nextLikely: Command = {
  name: "prediction.nextLikely",
  title: "Give each selected cell or prediction the class that the model holds for next likely",
  group: "Predictions",
  keys: [";"],
  edits: true,
  enabled: ({ store }) => store.selection.cells.size + store.selection.predictions.size > 0,
  perform(context) {
    const { store, classes, screen } = context;
    const of = (prediction: Prediction | undefined, now: number): number | null => (prediction ? likelyAfter(now, prediction, classes) : null);
    const cells = store.selectedCells().flatMap((cell) => {
      const next = of(store.prediction(cell.prediction ?? -1), cell.class);
      return next === null ? [] : [change(cell, { class: next })];
    });
    const accepted = store.selectedPredictions().flatMap((one) => {
      const next = of(one, one.class);
      return next === null ? [] : [put({ class: next, shape: fitting(context, one.shape), attributes: {}, prediction: one.id })];
    });
    const changes = [...cells, ...accepted];
    const left = store.selection.cells.size + store.selection.predictions.size - changes.length;
    const [only] = changes;
    if (changes.length === 0) screen.say("The model names no other class for what is selected.");
    else if (left > 0) screen.say(`${left} of what is selected left as ${left === 1 ? "it was" : "they were"}: the model names no other class.`);
    else if (changes.length === 1 && only?.after) screen.say(classes.get(only.after.class)?.name ?? "");
    return changes;
  },
};

/** The class after `now` on the model's list, the likeliest first; null where it names no other that is offered. */
export function likelyAfter(now: number, { class_scores: scores }: Prediction, classes: Classes): number | null {
  const listed = [...scores]
    .sort(([, one], [, other]) => other - one)
    .map(([number]) => number)
    .filter((number) => number === now || classes.offered.some((one) => one.number === number));
  const next = listed[(listed.indexOf(now) + 1) % listed.length];
  return next === undefined || next === now ? null : next;
}
