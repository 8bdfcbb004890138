/**
 * How cells and predictions look. People's cells have an unbroken dark edge under their colour; a model's predictions
 * are coloured dashes on white: the two are told apart without knowing any colour.
 */

import type { Classes } from "../classes";
import { bounds } from "../shapes";
import type { Line, Shape } from "../types";

/** One thing to be painted. */
export interface Drawn {
  readonly shape: Shape;
  readonly class: number;
  readonly label: string;
}

/** How far from its shape's bounds a thing may paint, in screen pixels: line, edge and label. */
export const REACH = { side: 64, above: 18, below: 4 };

/** Cells smaller than this on the screen carry no label. */
const LABELLED_FROM = 26;
/** A path of very many shapes is slow to stroke; so many at once are fast. */
const AT_ONCE = 64;
const DASHES: Record<Line, readonly number[]> = { solid: [], dashed: [9, 4], dotted: [2, 4] };
const UNKNOWN = { colour: "#ffffff", line: "solid" } as const;

export type Look = "cell" | "prediction";

/** Paints things on a context that counts in screen pixels; `at` says where a field pixel lies. */
export class Brush {
  readonly #classes: Classes;

  constructor(classes: Classes) {
    this.#classes = classes;
  }

  paint(context: CanvasRenderingContext2D, things: readonly Drawn[], look: Look, place: Place, labels: boolean): void {
    context.lineJoin = "round";
    for (const [number, group] of grouped(things)) {
      const { colour, line } = this.#classes.get(number) ?? UNKNOWN;
      for (let from = 0; from < group.length; from += AT_ONCE) {
        const path = pathOf(group.slice(from, from + AT_ONCE), place);
        if (look === "cell") strokeCell(context, path, colour, DASHES[line]);
        else strokePrediction(context, path, colour);
      }
    }
    if (labels) for (const thing of things) this.#label(context, thing, look, place);
  }

  #label(context: CanvasRenderingContext2D, { shape, class: number, label }: Drawn, look: Look, place: Place): void {
    const { x0, y0, x1 } = bounds(shape);
    if (label === "" || (x1 - x0) * place.scale < LABELLED_FROM) return;
    const [x, y] = [((x0 + x1) / 2 - place.left) * place.scale, (y0 - place.top) * place.scale - 3];
    const { colour } = this.#classes.get(number) ?? UNKNOWN;
    context.font = `${look === "prediction" ? "italic " : ""}600 11px system-ui, sans-serif`;
    context.textAlign = "center";
    context.textBaseline = "alphabetic";
    context.lineWidth = 3;
    context.strokeStyle = look === "prediction" ? "#ffffff" : "#101418";
    context.strokeText(label, x, y);
    context.fillStyle = look === "prediction" ? "#101418" : light(colour);
    context.fillText(label, x, y);
  }
}

/** What lies where on the canvas: screen pixels from the place at its upper left corner. */
export interface Place {
  readonly left: number;
  readonly top: number;
  readonly scale: number;
}

function grouped(things: readonly Drawn[]): Map<number, Drawn[]> {
  const groups = new Map<number, Drawn[]>();
  for (const thing of things) {
    const group = groups.get(thing.class);
    if (group) group.push(thing);
    else groups.set(thing.class, [thing]);
  }
  return groups;
}

function strokeCell(context: CanvasRenderingContext2D, path: Path2D, colour: string, dash: readonly number[]): void {
  context.setLineDash([]);
  context.lineWidth = 3.6;
  context.strokeStyle = "rgb(16 20 24 / 62%)";
  context.stroke(path);
  context.setLineDash([...dash]);
  context.lineWidth = 1.9;
  context.strokeStyle = colour;
  context.stroke(path);
  context.setLineDash([]);
}

function strokePrediction(context: CanvasRenderingContext2D, path: Path2D, colour: string): void {
  context.setLineDash([]);
  context.lineWidth = 2.6;
  context.strokeStyle = "rgb(255 255 255 / 85%)";
  context.stroke(path);
  context.setLineDash([5, 5]);
  context.lineWidth = 2;
  context.strokeStyle = colour;
  context.stroke(path);
  context.setLineDash([]);
}

export function pathOf(things: readonly { readonly shape: Shape }[], place: Place): Path2D {
  const path = new Path2D();
  for (const { shape } of things) trace(path, shape, place);
  return path;
}

function trace(path: Path2D, { kind, points }: Shape, { left, top, scale }: Place): void {
  const at = (index: number): number => ((points[index] ?? 0) - (index % 2 ? top : left)) * scale;
  if (kind === "circle") {
    const radius = (points[2] ?? 0) * scale;
    path.moveTo(at(0) + radius, at(1));
    path.arc(at(0), at(1), radius, 0, 2 * Math.PI);
  } else if (kind === "box") {
    path.rect(at(0), at(1), at(2) - at(0), at(3) - at(1));
  } else {
    path.moveTo(at(0), at(1));
    for (let index = 2; index < points.length; index += 2) path.lineTo(at(index), at(index + 1));
    path.closePath();
  }
}

/** A colour that can be read on a dark edge: dark ones are mixed with white. */
function light(colour: string): string {
  const channels = [1, 3, 5].map((from) => Number.parseInt(colour.slice(from, from + 2), 16));
  const [red = 255, green = 255, blue = 255] = channels;
  const luminance = (0.299 * red + 0.587 * green + 0.114 * blue) / 255;
  if (!(luminance < 0.6)) return colour;
  const mixed = channels.map((value) => Math.round(value + (255 - value) * (0.62 - luminance / 2)));
  return `rgb(${mixed.join(" ")})`;
}
