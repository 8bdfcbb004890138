/** Commands and gestures that change the outline of a cell: more of it, less of it, two of it, smoother, another kind. */

import type { Joined, Obstacle } from "../geometry/boolean";
import { divided, joined, untangled, without } from "../geometry/boolean";
import type { ImagePoint } from "../geometry/points";
import { imagePoint } from "../geometry/points";
import { smoothed } from "../geometry/smooth";
import { bounds, circle, toContour } from "../shapes";
import type { CellChange, Change, Shape, Uuid } from "../types";
import { change, fitting, put } from "./cells";
import type { Command, Context, Gesture } from "./command";
import { CannotBeDone } from "./command";

export interface Stroke {
  readonly uuid: Uuid;
  /** Closed: the last corner is joined to the first. */
  readonly ring: readonly number[];
}

export const addToCell: Gesture<Stroke> = {
  name: "cell.add",
  title: "Add to a cell",
  group: "Cells",
  keys: [],
  how: "Draw from inside of the selected cell round what is to be added (add)",
  edits: true,
  perform: (context, stroke) => recut(context, stroke, joined, {
    nothing: "Nothing is left of the cell. Draw it anew.",
    parts: "What you drew does not touch the cell. Begin inside of it, so that the two are one.",
    hole: "That would leave a hole in the cell. Draw over the hole too.",
    same: "That is part of the cell already. Draw over its border, to where it is to reach.",
  }),
};

export const cutFromCell: Gesture<Stroke> = {
  name: "cell.subtract",
  title: "Cut away from a cell",
  group: "Cells",
  keys: [],
  how: "Draw from outside of the selected cell round what is to go (subtract)",
  edits: true,
  perform: (context, stroke) => recut(context, stroke, without, {
    nothing: "That would take the whole cell away. Delete it instead.",
    parts: "That would cut the cell in two. Split it instead.",
    hole: "That would leave a hole in the cell. Begin outside of it.",
    same: "What you drew does not touch the cell. Begin outside of it and draw over what is to go.",
  }),
};

/** The larger part stays the cell that it was; the other is a new one of the same class. One step. */
export const splitCell: Gesture<{ readonly uuid: Uuid; readonly line: readonly ImagePoint[] }> = {
  name: "cell.split",
  title: "Split a cell in two",
  group: "Cells",
  keys: [],
  how: "Draw a line across the selected cell, from outside to outside (split)",
  edits: true,
  perform(context, { uuid, line }) {
    const cell = context.store.cell(uuid);
    if (cell === undefined || line.length < 2) return [];
    const parts = divided(toContour(cell.shape).points, line);
    if (parts === null) throw new CannotBeDone("The line has to cross the cell once, from outside to outside.");
    const [larger, smaller] = parts.map((points): Shape => fitting(context, { kind: "contour", points }));
    if (larger === undefined || smaller === undefined) return [];
    const other = { class: cell.class, shape: smaller, attributes: cell.attributes, prediction: null, locked: false };
    return [change(cell, { shape: larger }), put(other)];
  },
};

export const smoothSelected = reshaping("cell.smooth", "Smooth the outline of the selected cells", ["Shift+G"], "contour", (shape) => ({
  kind: "contour",
  points: smoothed(shape.points),
}));

/** By keeping its form: a circle becomes a contour of the same area, a box one of its four corners. */
export const convertToContour = reshaping("cell.polygon", "Turn selected circles and boxes into contours of the same form", ["Shift+P"], "weak", toContour);

export const convertToCircle = reshaping("cell.circle", "Turn selected boxes and contours into circles", ["Shift+O"], "not circle", (shape) => {
  const { x0, y0, x1, y1 } = bounds(shape);
  return circle(imagePoint((x0 + x1) / 2, (y0 + y1) / 2), (x1 - x0 + y1 - y0) / 4);
});

type Kinds = "contour" | "weak" | "not circle";

/** A prediction that gets another shape becomes a cell: that is a correction. */
function reshaping(name: string, title: string, keys: readonly string[], kinds: Kinds, to: (shape: Shape) => Shape): Command {
  const fits = ({ shape: { kind } }: { readonly shape: Shape }): boolean =>
    kinds === "contour" ? kind === "contour" : kind !== (kinds === "weak" ? "contour" : "circle");
  return {
    name,
    title,
    group: "Cells",
    keys,
    edits: true,
    enabled: ({ store }) => store.selectedCells().some(fits) || store.selectedPredictions().some(fits),
    perform: (context): Change[] => [
      ...context.store.selectedCells().filter(fits).map((cell) => change(cell, { shape: fitting(context, to(cell.shape)) })),
      ...context.store.selectedPredictions().filter(fits).map((one) =>
        put({ class: one.class, shape: fitting(context, to(one.shape)), attributes: {}, prediction: one.id, locked: false }),
      ),
    ],
  };
}

function recut(
  context: Context,
  { uuid, ring }: Stroke,
  cut: (one: readonly number[], other: readonly number[]) => Joined,
  words: Readonly<Record<Obstacle, string>>,
): CellChange[] {
  const cell = context.store.cell(uuid);
  if (cell === undefined) return [];
  const drawn = untangled(ring);
  if (drawn === null) throw new CannotBeDone("The line that you drew crosses itself. Draw it anew.");
  const found = cut(toContour(cell.shape).points, drawn);
  if (typeof found === "string") throw new CannotBeDone(words[found]);
  return [change(cell, { shape: fitting(context, { kind: "contour", points: found }) })];
}
