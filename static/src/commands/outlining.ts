/** Commands that turn circles and boxes into contours: by the picture, or by a share that circles usually leave free. */

import { around, ellipseOf, outlineOf, shrunk, within } from "../outline";
import { contourDrawn } from "../shapes";
import { corners } from "../geometry/polygon";
import type { Cell, CellChange, Shape } from "../types";
import { contentOf } from "../types";
import { fitting } from "./cells";
import type { Command, Context } from "./command";
import { CannotBeDone } from "./command";

/** More than so many are not outlined without a question: each takes some hundredths of a second. */
const PATIENCE = 40;

/** Each circle or box by itself: where one shows nothing that can be found it stays, and the others are done. */
export const outlineSelected: Command = {
  name: "cell.contour",
  title: "Turn selected circles and boxes into contours by the picture",
  group: "Cells",
  keys: ["#"],
  edits: true,
  enabled: hasWeak,
  question(context) {
    const count = weakOf(context).length;
    return count > PATIENCE ? `Outline ${count} cells? The page stands still for some seconds. One undo takes all back.` : null;
  },
  perform(context) {
    const faults: string[] = [];
    const changes = weakOf(context).flatMap((cell) => {
      try {
        return [reshaped(cell, fitting(context, outlined(context, cell.shape)))];
      } catch (error) {
        if (!(error instanceof CannotBeDone)) throw error;
        faults.push(error.message);
        return [];
      }
    });
    const [first] = faults;
    if (first !== undefined && changes.length === 0) throw new CannotBeDone(first);
    if (first !== undefined) context.screen.say(`${changes.length} outlined, ${faults.length} left as they were. ${first}`);
    return changes;
  },
};

/** Also for a contour that was a circle or box a moment ago: the way back from an outline that went wrong. */
export const shrinkSelected: Command = {
  name: "cell.shrunk",
  title: "Turn selected circles and boxes into contours a little smaller than they are",
  group: "Cells",
  keys: ["'"],
  edits: true,
  enabled: ({ store, history }) => store.selectedCells().some((cell) => weakShape(cell, history) !== null),
  perform(context) {
    return context.store.selectedCells().flatMap((cell) => {
      const ellipse = ellipseOf(weakShape(cell, context.history) ?? cell.shape, context.field);
      return ellipse === null ? [] : [reshaped(cell, fitting(context, shrunk(ellipse)))];
    });
  },
};

function outlined(context: Context, shape: Shape): Shape {
  const ellipse = ellipseOf(shape, context.field);
  if (ellipse === null) return shape;
  const part = around(ellipse, context.field);
  const picture = context.screen.pixels(part);
  if (picture === null) {
    throw new CannotBeDone("The picture cannot be read here. Wait until it is shown, or reload the page; the shrunk circle needs no picture.");
  }
  const { points, fault } = outlineOf(picture, within(ellipse, part));
  if (points === null) throw new CannotBeDone(fault);
  return contourDrawn(corners(points.map((value, index) => value + (index % 2 ? part.y0 : part.x0))));
}

/** The cell's circle or box, or the one that it had before it became a contour on this page; null where there is none. */
function weakShape(cell: Cell, history: Context["history"]): Shape | null {
  return cell.shape.kind === "contour" ? history.weakShapeOf(cell.uuid) : cell.shape;
}

function weakOf({ store }: Context): Cell[] {
  return store.selectedCells().filter((cell) => cell.shape.kind !== "contour");
}

function hasWeak(context: Context): boolean {
  return weakOf(context).length > 0;
}

function reshaped(cell: Cell, shape: Shape): CellChange {
  const before = contentOf(cell);
  return { type: "cell", uuid: cell.uuid, before, after: { ...before, shape } };
}
