/** What is selected without pointing at it: all of a class, the next one by its score. */

import { bounds } from "../shapes";
import type { Store } from "../store";
import type { Uuid } from "../types";
import type { Command, Context, Gesture } from "./command";

/** All cells of a class that are shown, and the predictions of it. */
export const selectClass: Gesture<{ readonly class: number }> = {
  name: "select.class",
  title: "Select all of a class",
  group: "View",
  keys: [],
  how: "Shift and click the class in the list",
  edits: false,
  perform({ store, screen }, { class: number }) {
    select(store, new Set([number]));
    const { cells, predictions } = store.selection;
    screen.say(cells.size + predictions.size === 0 ? "None of this class is shown." : `${cells.size + predictions.size} selected`);
    return [];
  },
};

/** Of the classes of what is selected; where nothing is, of the class of what is drawn next. */
export const selectAlike: Command = {
  name: "select.alike",
  title: "Select all of the same class",
  group: "View",
  keys: ["Ctrl+Shift+A"],
  edits: false,
  perform({ store, classes }) {
    const chosen = [...store.selectedCells(), ...store.selectedPredictions()].map((one) => one.class);
    const next = store.view.activeClass ?? classes.first?.number;
    select(store, new Set(chosen.length > 0 || next === undefined ? chosen : [next]));
    return [];
  },
};

export const nextByScore = walking("score.next", "Go to the next by score, the lowest first", ")", 1);
export const previousByScore = walking("score.previous", "Go back to the one before by score", "(", -1);

type Scored = { readonly score: number; readonly cell: Uuid } | { readonly score: number; readonly prediction: number };

function select(store: Store, numbers: ReadonlySet<number>): void {
  const cells = [...store.cells()].filter((cell) => numbers.has(cell.class) && store.isCellShown(cell));
  const predictions = store.shownPredictions().filter((one) => numbers.has(one.class));
  store.select(cells.map((cell) => cell.uuid), predictions.map((one) => one.id));
}

/** Predictions that are shown, and cells that were made of predictions: what the model was least sure of comes first. */
function byScore(store: Store): Scored[] {
  const open = store.shownPredictions().map(({ id, score }): Scored => ({ prediction: id, score }));
  const made = [...store.cells()].flatMap((cell): Scored[] => {
    const prediction = store.prediction(cell.prediction ?? -1);
    return prediction && store.isCellShown(cell) ? [{ cell: cell.uuid, score: prediction.score }] : [];
  });
  return [...open, ...made].sort((one, other) => one.score - other.score);
}

function walking(name: string, title: string, key: string, by: 1 | -1): Command {
  return {
    name,
    title,
    group: "Predictions",
    keys: [key],
    edits: false,
    perform({ store, screen }: Context) {
      const all = byScore(store);
      const { cells, predictions } = store.selection;
      const at = all.findIndex((one) => ("cell" in one ? cells.has(one.cell) : predictions.has(one.prediction)));
      const next = all.at(at < 0 ? (by > 0 ? 0 : -1) : (at + by) % all.length);
      if (next === undefined) {
        screen.say("Nothing here has a score.");
        return [];
      }
      const isCell = "cell" in next;
      store.select(isCell ? [next.cell] : [], isCell ? [] : [next.prediction]);
      const shape = isCell ? store.cell(next.cell)?.shape : store.prediction(next.prediction)?.shape;
      if (shape) screen.show(bounds(shape));
      return [];
    },
  };
}
