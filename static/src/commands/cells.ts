/** Commands and gestures that draw, change and delete cells. */

import { area, circle, clamped, faultOf, moved, scaled } from "../shapes";
import type { Cell, CellChange, CellContent, Change, Shape, Uuid } from "../types";
import { used } from "../recent";
import { contentOf, newUuid } from "../types";
import type { Command, Context, Gesture } from "./command";
import { CannotBeDone } from "./command";

/** More than so many are not deleted without a question. */
export const MANY = 10;
const NUDGE = 1;
const NUDGE_FAR = 10;
const GROWTH = 1.05;

export const drawCell: Gesture<{ readonly shape: Shape }> = {
  name: "cell.draw",
  title: "Draw a cell",
  group: "Cells",
  keys: [],
  how: "Drag from the middle of the cell (circle), or round it (contour); a click places a circle like the last one",
  edits: true,
  perform(context, { shape }) {
    const drawn = fitting(context, shape);
    const change = put({ class: activeClass(context), shape: drawn, attributes: {}, prediction: null });
    if (drawn.kind === "circle") context.store.look({ radius: drawn.points[2] ?? context.store.view.radius });
    return [change];
  },
};

export const placeCircle: Command = {
  name: "cell.place",
  title: "Place a circle in the middle of the view",
  group: "Cells",
  keys: ["Shift+N", "Insert"],
  edits: true,
  perform(context) {
    return drawCell.perform(context, { shape: circle(context.screen.centre(), context.store.view.radius) });
  },
};

export const reshapeCell: Gesture<{ readonly uuid: Uuid; readonly shape: Shape }> = {
  name: "cell.reshape",
  title: "Change the shape of a cell",
  group: "Cells",
  keys: [],
  how: "Drag a handle of the selected cell",
  edits: true,
  perform(context, { uuid, shape }) {
    const cell = context.store.cell(uuid);
    if (cell === undefined) return [];
    const wanted = fitting(context, shape);
    if (wanted.kind === "circle") context.store.look({ radius: wanted.points[2] ?? context.store.view.radius });
    return [change(cell, { shape: wanted })];
  },
};

export const moveCells: Gesture<{ readonly uuids: readonly Uuid[]; readonly dx: number; readonly dy: number }> = {
  name: "cell.move",
  title: "Move the selected cells",
  group: "Cells",
  keys: [],
  how: "Drag a selected cell",
  edits: true,
  perform(context, { uuids, dx, dy }) {
    const cells = uuids.flatMap((uuid) => context.store.cell(uuid) ?? []);
    return cells.map((cell) => change(cell, { shape: fitting(context, moved(cell.shape, dx, dy)) }));
  },
};

/** For selected cells and predictions; where nothing is selected, for what is drawn next. */
export const setClass: Gesture<{ readonly class: number }> = {
  name: "cell.class",
  title: "Set the class",
  group: "Cells",
  keys: [],
  how: "Press the class' key, or choose it in the list",
  edits: false,
  perform(context, { class: number }) {
    const { store } = context;
    store.look({ activeClass: number, recent: used(store.view.recent, number) });
    if (!context.mayEdit) return [];
    return [
      ...store.selectedCells().map((cell) => change(cell, { class: number })),
      ...store.selectedPredictions().map((one) => put({ ...attributesOf(one), class: number, shape: one.shape })),
    ];
  },
};

export const setAttribute: Gesture<{ readonly name: string; readonly value: string | number | boolean | null }> = {
  name: "cell.attribute",
  title: "Set an attribute of the selected cells",
  group: "Cells",
  keys: [],
  how: "Change it in the panel beside the canvas",
  edits: true,
  perform({ store }, { name, value }) {
    return store.selectedCells().map((cell) => {
      const others = Object.entries(cell.attributes).filter(([other]) => other !== name);
      const attributes = Object.fromEntries(value === null ? others : [...others, [name, value]]);
      return change(cell, { attributes });
    });
  },
};

/** A cell that came from a prediction takes it along: it would come back at once as a suggestion. */
export const deleteSelected: Command = {
  name: "cell.delete",
  title: "Delete the selected cells, reject the selected predictions",
  group: "Cells",
  keys: ["Delete", "Backspace"],
  edits: true,
  enabled: hasSelection,
  question({ store }) {
    const count = store.selection.cells.size;
    return count > MANY ? `Delete ${count} cells? One undo brings them back.` : null;
  },
  perform({ store }) {
    // Of a locked cell nothing is done: neither is its prediction rejected.
    const taken = store.selectedCells().flatMap((cell) => (cell.locked ? [] : (cell.prediction ?? [])));
    const cells = store.selectedCells();
    const rejected = new Set([...taken, ...store.selection.predictions]);
    return [
      ...cells.map((cell): Change => ({ type: "cell", uuid: cell.uuid, before: contentOf(cell), after: null })),
      ...[...rejected]
        .filter((id) => store.prediction(id) !== undefined)
        .map((prediction): Change => ({ type: "rejection", prediction, before: store.isRejected(prediction), after: true })),
    ];
  },
};

export const nudges: readonly Command[] = (
  [
    ["left", "ArrowLeft", -1, 0],
    ["right", "ArrowRight", 1, 0],
    ["up", "ArrowUp", 0, -1],
    ["down", "ArrowDown", 0, 1],
  ] as const
).flatMap(([where, key, dx, dy]) => [
  nudge(`Move the selected cells 1 px ${where}; with none selected look further ${where}`, key, dx, dy, NUDGE),
  nudge(`Move the selected cells 10 px ${where}`, `Shift+${key}`, dx, dy, NUDGE_FAR),
]);

export const grow = scaling("cell.grow", "Enlarge the selected cells", "Alt+ArrowUp", GROWTH);
export const shrink = scaling("cell.shrink", "Shrink the selected cells", "Alt+ArrowDown", 1 / GROWTH);

/** The change that makes a prediction a cell of a new uuid; what is given differs from what the model said. */
export function put(content: CellContent): CellChange {
  return { type: "cell", uuid: newUuid(), before: null, after: content };
}

/** The shape, on the field; throws where it cannot be a cell. */
export function fitting(context: Context, shape: Shape): Shape {
  const inside = shape.kind === "circle" ? shape : clamped(shape, context.field);
  const fault = faultOf(inside, context.field);
  if (fault !== null) throw new CannotBeDone(fault);
  return inside;
}

function nudge(title: string, key: string, dx: number, dy: number, by: number): Command {
  return {
    name: `cell.nudge.${key}`,
    title,
    group: "Cells",
    keys: [key],
    edits: false,
    perform(context) {
      const { store, screen } = context;
      if (store.selection.cells.size === 0) {
        screen.pan(dx * (by > 1 ? 0.5 : 0.1), dy * (by > 1 ? 0.5 : 0.1));
        return [];
      }
      if (!context.mayEdit) return [];
      return moveCells.perform(context, { uuids: [...store.selection.cells], dx: dx * by, dy: dy * by });
    },
  };
}

function scaling(name: string, title: string, key: string, factor: number): Command {
  return {
    name,
    title,
    group: "Cells",
    keys: [key],
    edits: true,
    enabled: ({ store }) => store.selection.cells.size > 0,
    perform(context) {
      const grown = (cell: Cell): Shape => fitting(context, scaled(cell.shape, factor));
      return context.store
        .selectedCells()
        .filter((cell) => factor > 1 || area(cell.shape) > 4)
        .map((cell) => change(cell, { shape: grown(cell) }));
    },
  };
}

function hasSelection({ store }: Context): boolean {
  return store.selection.cells.size + store.selection.predictions.size > 0;
}

function activeClass({ store, classes }: Context): number {
  const chosen = store.view.activeClass ?? classes.first?.number;
  if (chosen === undefined) throw new CannotBeDone("This project has no classes. An administrator can add them in its settings.");
  return chosen;
}

/** The change that gives a cell what is told, and leaves it all else. */
export function change(cell: Cell, to: Partial<CellContent>): CellChange {
  const before = contentOf(cell);
  return { type: "cell", uuid: cell.uuid, before, after: { ...before, ...to } };
}

function attributesOf(prediction: { readonly id: number }): Pick<CellContent, "attributes" | "prediction"> {
  return { attributes: {}, prediction: prediction.id };
}

