/** A workbench for tests: a field, classes, and a screen that notes what it was asked. */

import { Classes } from "../classes";
import { Store } from "../store";
import type { CellClass, Change, Prediction, ServerCell, Shape } from "../types";
import { History } from "../undo";
import type { Screen } from "./command";
import { Workbench } from "./workbench";
import type { Bounds } from "../geometry/points";
import { imagePoint } from "../geometry/points";
import type { Picture } from "../outline";

export const FIELD = { width: 1000, height: 800, um_per_px: 0.1 };

export function cellClass(number: number, rest: Partial<CellClass> = {}): CellClass {
  return {
    number,
    key: `class${number}`,
    name: `Class ${number}`,
    parent: null,
    tier: 0,
    lineage: "",
    colour: "#76C800",
    line: "solid",
    hotkey: "",
    counted: true,
    kind: "cell",
    guideline: "",
    retired: false,
    ...rest,
  };
}

export function circleAt(x: number, y: number, r = 20): Shape {
  return { kind: "circle", points: [x, y, r] };
}

export function cellOf(uuid: string, shape: Shape, number = 1, prediction: number | null = null): ServerCell {
  const meta = { version: 1, provenance: "drawn", author: null, deleted: false } as const;
  return { uuid, class: number, shape, attributes: {}, prediction, ...meta };
}

export function predictionOf(id: number, score: number, shape = circleAt(50 * id, 50)): Prediction {
  return { id, class: 1 + (id % 3), shape, score, class_scores: [], rejected: false, cell: null };
}

export interface Bench {
  readonly bench: Workbench;
  readonly store: Store;
  readonly history: History;
  readonly saved: Change[];
  readonly said: string[];
  readonly asked: string[];
  /** What the person answers. */
  answer: boolean;
  /** What the page shows of a part of the field. */
  picture: (part: Bounds) => Picture | null;
}

export function newBench({ mayEdit = true, classes = [1, 2, 3].map((one) => cellClass(one)) } = {}): Bench {
  const [store, history] = [new Store(), new History()];
  const notes = { saved: [] as Change[], said: [] as string[], asked: [] as string[], answer: true, picture: nothingShown as (part: Bounds) => Picture | null };
  const nothing = (): void => undefined;
  const screen: Screen = {
    tool: "select",
    choose: nothing,
    centre: () => imagePoint(500, 400),
    pointer: () => null,
    show: nothing,
    zoom: nothing,
    fit: nothing,
    actualSize: nothing,
    pan: nothing,
    pixels: (part) => notes.picture(part),
    say: (message) => notes.said.push(message),
    ask: (question) => {
      notes.asked.push(question);
      return Promise.resolve(notes.answer);
    },
    findClass: nothing,
    openPalette: nothing,
    showShortcuts: nothing,
    predict: nothing,
    finish: nothing,
    screen: nothing,
    measured: nothing,
    scored: nothing,
    go: nothing,
  };
  const parts = { store, history, screen, classes: new Classes(classes), field: FIELD, weakShape: "circle", mayEdit } as const;
  const bench = new Workbench(parts, (changes) => notes.saved.push(...changes));
  return Object.assign(notes, { bench, store, history });
}

function nothingShown(): Picture | null {
  return null;
}
