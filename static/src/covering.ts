/** Predictions of what is labelled already: a model that looks again finds the same cells, and nobody decides twice. */

import type { Bounds } from "./geometry/points";
import { bounds } from "./shapes";
import type { Cell, Prediction, Shape } from "./types";

/** Those predictions in whose middle no cell of another prediction lies (nearer than half the cell's radius). */
export function uncovered(predictions: readonly Prediction[], cells: Iterable<Cell>): Prediction[] {
  const mine = new Set(predictions.map((one) => one.id));
  const others = [...cells].filter((cell) => cell.prediction === null || !mine.has(cell.prediction)).map((cell) => placeOf(cell.shape));
  return predictions.filter((one) => {
    const { x, y } = placeOf(one.shape);
    return !others.some((cell) => Math.hypot(cell.x - x, cell.y - y) <= cell.r / 2);
  });
}

function placeOf(shape: Shape): { readonly x: number; readonly y: number; readonly r: number } {
  const { x0, y0, x1, y1 }: Bounds = bounds(shape);
  return { x: (x0 + x1) / 2, y: (y0 + y1) / 2, r: (x1 - x0 + y1 - y0) / 4 };
}
