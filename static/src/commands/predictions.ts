/** Commands and gestures that decide about predictions: accept, correct, reject, one by one and in bulk. */

import { bounds } from "../shapes";
import type { Store } from "../store";
import type { Change, Prediction, Shape } from "../types";
import { fitting, put } from "./cells";
import type { Command, Context, Gesture } from "./command";
import { CannotBeDone } from "./command";

const STEP = 0.05;

export const acceptSelected: Command = {
  name: "prediction.accept",
  title: "Accept the selected predictions",
  group: "Predictions",
  keys: ["Enter"],
  edits: true,
  enabled: ({ store }) => store.selection.predictions.size > 0,
  perform: (context) => accepted(context, context.store.selectedPredictions()),
};

/** The two things that are done to a prediction of the wrong class, by one key and a few letters. */
export const acceptAndCorrect: Command = {
  name: "prediction.acceptAs",
  title: "Accept the selected predictions as another class: find it by name",
  group: "Predictions",
  keys: ["Alt+Enter"],
  edits: true,
  enabled: ({ store }) => store.selection.predictions.size > 0,
  perform: (context) => {
    const changes = accepted(context, context.store.selectedPredictions());
    context.screen.findClass();
    return changes;
  },
};

export const acceptShown: Command = {
  name: "prediction.acceptShown",
  title: "Accept all predictions that are shown",
  group: "Predictions",
  keys: ["Shift+Enter"],
  edits: true,
  enabled: ({ store }) => store.view.showPredictions,
  question: ({ store }) => asked(store, "Accept"),
  perform: (context) => accepted(context, context.store.shownPredictions()),
};

export const rejectSelected: Command = {
  name: "prediction.reject",
  title: "Reject the selected predictions",
  group: "Predictions",
  keys: ["Shift+Backspace"],
  edits: true,
  enabled: ({ store }) => store.selection.predictions.size > 0,
  perform: ({ store }) => rejected(store.selectedPredictions()),
};

export const rejectShown: Command = {
  name: "prediction.rejectShown",
  title: "Reject all predictions that are shown",
  group: "Predictions",
  keys: ["Shift+Delete"],
  edits: true,
  enabled: ({ store }) => store.view.showPredictions,
  question: ({ store }) => asked(store, "Reject"),
  perform: ({ store }) => rejected(store.shownPredictions()),
};

/** The prediction becomes a cell of another shape: what the model said stays as it was said. */
export const correctPrediction: Gesture<{ readonly prediction: number; readonly shape: Shape }> = {
  name: "prediction.correct",
  title: "Accept a prediction with another shape",
  group: "Predictions",
  keys: [],
  how: "Drag a handle of the selected prediction",
  edits: true,
  perform(context, { prediction: id, shape }) {
    const prediction = context.store.prediction(id);
    if (prediction === undefined || !context.store.isOpen(id)) return [];
    const corrected = fitting(context, shape);
    return [put({ class: prediction.class, shape: corrected, attributes: {}, prediction: id })];
  },
};

export const setThreshold: Gesture<{ readonly threshold: number }> = {
  name: "prediction.threshold",
  title: "Show predictions from a score on",
  group: "Predictions",
  keys: [],
  how: "Move the slider",
  edits: false,
  perform({ store, screen }, { threshold }) {
    const score = Math.min(1, Math.max(0, threshold));
    store.look({ threshold: score });
    screen.scored(score);
    return [];
  },
};

export const showMore = stepping("prediction.more", "Show more predictions: lower the score", ",", -STEP);
export const showFewer = stepping("prediction.fewer", "Show fewer predictions: raise the score", ".", STEP);

export const nextUncertain = walking("prediction.next", "Go to the next uncertain prediction", ["Space"], 1);
export const previousUncertain = walking(
  "prediction.previous",
  "Go back to the uncertain prediction before",
  ["Shift+Space"],
  -1,
);

/** How unsure the model is: 1 where its two best classes are equal; without those, where the score is one half. */
export function uncertainty(prediction: Prediction): number {
  const [best, second] = prediction.class_scores.map(([, score]) => score).sort((one, other) => other - one);
  if (best === undefined || second === undefined) return 1 - Math.abs(prediction.score - 0.5) * 2;
  return 1 - Math.max(0, best - second);
}

/** What is shown, the most uncertain first. */
export function uncertain(store: Store): Prediction[] {
  return store
    .shownPredictions()
    .map((prediction) => ({ prediction, rank: uncertainty(prediction) }))
    .sort((one, other) => other.rank - one.rank || one.prediction.id - other.prediction.id)
    .map(({ prediction }) => prediction);
}

function accepted(context: Context, predictions: readonly Prediction[]): Change[] {
  const faults: string[] = [];
  const changes = predictions.flatMap((one) => {
    try {
      const shape = fitting(context, one.shape);
      return [put({ class: one.class, shape, attributes: {}, prediction: one.id })];
    } catch (error) {
      if (!(error instanceof CannotBeDone)) throw error;
      faults.push(error.message);
      return [];
    }
  });
  if (faults.length) {
    const rest = faults.length === 1 ? "One prediction was" : `${faults.length} predictions were`;
    context.screen.say(`${rest} left out. ${faults[0] ?? ""}`);
  }
  return changes;
}

function rejected(predictions: readonly Prediction[]): Change[] {
  return predictions.map(({ id }) => ({ type: "rejection", prediction: id, before: false, after: true }));
}

function asked(store: Store, verb: "Accept" | "Reject"): string | null {
  const count = store.shownPredictions().length;
  if (count <= 1) return null;
  const from = Math.round(store.view.threshold * 100);
  return `${verb} all ${count} predictions with a score of ${from} % or more? One undo takes it back.`;
}

function stepping(name: string, title: string, key: string, by: number): Command {
  return {
    name,
    title,
    group: "Predictions",
    keys: [key],
    edits: false,
    perform(context) {
      const threshold = Math.round((context.store.view.threshold + by) * 100) / 100;
      return setThreshold.perform(context, { threshold });
    },
  };
}

function walking(name: string, title: string, keys: readonly string[], by: 1 | -1): Command {
  return {
    name,
    title,
    group: "Predictions",
    keys,
    edits: false,
    enabled: ({ store }) => store.view.showPredictions,
    perform({ store, screen }) {
      const all = uncertain(store);
      const [selected] = store.selection.predictions;
      const at = all.findIndex((one) => one.id === selected);
      const next = all.at(at < 0 ? (by > 0 ? 0 : -1) : (at + by) % all.length);
      if (next === undefined) {
        screen.say("No prediction is left to decide here.");
        return [];
      }
      store.select([], [next.id]);
      screen.show(bounds(next.shape));
      return [];
    },
  };
}
