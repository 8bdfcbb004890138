/** Commands that change no cell: tools, history, view, and the ways from field to field. */

import type { Command, Context, Group, Tool } from "./command";

type Deed = (context: Context) => void;

function looking(group: Group, name: string, title: string, keys: readonly string[], deed: Deed): Command {
  return {
    name,
    title,
    group,
    keys,
    edits: false,
    perform(context) {
      deed(context);
      return [];
    },
  };
}

function tool(name: Tool, title: string, key: string): Command {
  const chosen = looking("Tools", `tool.${name}`, title, [key], ({ screen }) => {
    screen.choose(name);
  });
  return { ...chosen, edits: name !== "select" && name !== "ruler" };
}

export const tools: readonly Command[] = [
  tool("select", "Select and change cells", "Shift+S"),
  tool("circle", "Draw circles", "Shift+C"),
  tool("contour", "Draw contours", "Shift+D"),
  tool("box", "Draw boxes", "Shift+B"),
  tool("ruler", "Measure a length", "Shift+U"),
  tool("add", "Add to the selected cell", "Shift+A"),
  tool("subtract", "Cut away from the selected cell", "Shift+X"),
  tool("split", "Split the selected cell with a line", "Shift+K"),
];

/** How the tools draw. */
export const drawing: readonly Command[] = [
  looking("Tools", "circle.across", "Draw circles across, from edge to edge, or from their middle", ["Shift+Q"], ({ store, screen }) => {
    store.look({ drawsAcross: !store.view.drawsAcross });
    screen.say(store.view.drawsAcross ? "Circles are drawn across, from edge to edge." : "Circles are drawn from their middle.");
  }),
  looking("Tools", "touch.draws", "Draw with a finger, or move the field with it", ["Shift+F"], ({ store, screen }) => {
    store.look({ fingerDraws: !store.view.fingerDraws });
    screen.say(store.view.fingerDraws ? "A finger draws; two move the field." : "A finger moves the field; a pen draws.");
  }),
];

export const history: readonly Command[] = [
  {
    ...looking("History", "history.undo", "Undo", ["Ctrl+Z"], (context) => {
      context.undo();
    }),
    edits: true,
    enabled: (context) => context.history.undoTitle !== null,
  },
  {
    ...looking("History", "history.redo", "Redo", ["Ctrl+Shift+Z", "Ctrl+Y"], (context) => {
      context.redo();
    }),
    edits: true,
    enabled: (context) => context.history.redoTitle !== null,
  },
];

export const views: readonly Command[] = [
  looking("View", "view.in", "Zoom in", ["+", "="], ({ screen }) => {
    screen.zoom(1.5);
  }),
  looking("View", "view.out", "Zoom out", ["-"], ({ screen }) => {
    screen.zoom(1 / 1.5);
  }),
  looking("View", "view.fit", "Show the whole field", ["0"], ({ screen }) => {
    screen.fit();
  }),
  looking("View", "view.actual", "Show at 100 %", ["9"], ({ screen }) => {
    screen.actualSize();
  }),
  looking("View", "view.cells", "Show or hide the cells", ["7"], ({ store }) => {
    store.look({ showCells: !store.view.showCells });
  }),
  looking("View", "view.predictions", "Show or hide the predictions", ["8"], ({ store }) => {
    store.look({ showPredictions: !store.view.showPredictions });
  }),
  looking("View", "view.labels", "Show or hide the names of the classes", ["6"], ({ store }) => {
    store.look({ showLabels: !store.view.showLabels });
  }),
  looking("View", "view.all", "Select all cells that are shown", ["Ctrl+A"], ({ store }) => {
    store.select([...store.cells()].filter((cell) => store.isCellShown(cell)).map((cell) => cell.uuid));
  }),
  looking("View", "view.none", "Select nothing", ["Escape"], ({ store }) => {
    store.select();
  }),
  looking("View", "view.find", "Find a class by name", ["/"], ({ screen }) => {
    screen.findClass();
  }),
  looking("View", "view.palette", "Find a class or an action by name", ["Ctrl+K"], ({ screen }) => {
    screen.openPalette();
  }),
  looking("View", "view.shortcuts", "Show all keys", ["?"], ({ screen }) => {
    screen.showShortcuts();
  }),
];

export const fields: readonly Command[] = [
  {
    ...looking("Field", "field.predict", "Predict on this field now", ["*"], ({ screen }) => {
      screen.predict();
    }),
    edits: true,
  },
  {
    ...looking("Field", "field.finish", "Finish this field", ["Ctrl+Enter"], ({ screen }) => {
      screen.finish();
    }),
    edits: true,
  },
  looking("Field", "field.previous", "Go to the previous field", ["PageUp"], ({ screen }) => {
    screen.go("previous");
  }),
  looking("Field", "field.next", "Go to the next field", ["PageDown"], ({ screen }) => {
    screen.go("next");
  }),
];
