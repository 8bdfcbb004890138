/**
 * Lines drawn on the field: corner by corner with clicks, by hand with the button held, both in one line.
 *
 * Of a contour, the exact label, and of what is added to a cell or cut away from it, the line is closed: by its first
 * corner, a double click or Enter, and by itself where a line drawn by hand comes round to its beginning. A line that
 * splits is open. Backspace takes the last corner back, Escape gives the line up.
 */

import { addToCell, cutFromCell, drawCell, splitCell } from "../commands";
import { untangled } from "../geometry/boolean";
import type { ImagePoint } from "../geometry/points";
import { distance, imagePoint } from "../geometry/points";
import { contour, contourDrawn } from "../shapes";
import type { Shape, Uuid } from "../types";
import type { Grip, Parts, Pointer, Tool } from "./tool";

/** Screen pixels between the corners of a line drawn by hand. */
const STEP = 3;
/** So near to its first corner a contour is closed. */
const CLOSING = 9;
/** A line drawn by hand of at least so many corners is closed where its ends are this near, as a share of its length. */
const WHOLE = 8;
const NEAR = 0.25;

export type Purpose = "contour" | "add" | "subtract" | "split";

const FEWEST: Record<Purpose, number> = { contour: 3, add: 3, subtract: 3, split: 2 };
const TOO_FEW: Record<Purpose, string> = {
  contour: "A contour needs three corners: go on drawing round the cell.",
  add: "This needs three corners: go on drawing round what is to be added.",
  subtract: "This needs three corners: go on drawing round what is to be cut away.",
  split: "A line needs two corners: go on, across the cell.",
};

/** Without the corners that add nothing, and without the small loop where the line meets its beginning. */
function drawnByHand(points: readonly ImagePoint[]): Shape {
  const { kind, points: ring } = contourDrawn(points);
  return { kind, points: ring.length >= 6 ? (untangled(ring) ?? ring) : ring };
}

export class ContourTool implements Tool {
  readonly #parts: Parts;
  readonly #purpose: Purpose;
  /** The cell that is added to, cut or split. */
  #cell: Uuid | null = null;
  #points: ImagePoint[] = [];
  #pointer: Pointer | null = null;
  /** Corners drawn by hand lie closer than an eye can tell: they are thinned out at the end. */
  #isFreehand = false;

  constructor(parts: Parts, purpose: Purpose) {
    this.#parts = parts;
    this.#purpose = purpose;
  }

  press(pointer: Pointer): Grip {
    if (this.#points.length === 0) this.#cell = this.#cellFor(pointer);
    const before = [...this.#points];
    const closes = this.#closesAt(pointer);
    const last = this.#points.at(-1);
    // The second press of a double click adds no corner beside the first.
    if (!closes && !(last && this.#away(last, pointer) < STEP)) this.#points.push(pointer.at);
    this.#paint(pointer);
    return {
      move: (next) => {
        const end = this.#points.at(-1);
        if (closes || (end && this.#away(end, next) < STEP)) return;
        this.#isFreehand = true;
        this.#points.push(next.at);
        this.#paint(next);
      },
      release: (next) => {
        const drawn = this.#points.length - before.length;
        if (closes || (drawn > 1 && this.#closesAt(next)) || this.#isDone(before.length, drawn)) this.#close();
        else this.#paint(next);
      },
      cancel: () => {
        this.#points = before;
        this.#paint(pointer);
      },
    };
  }

  click(): void {
    // `press` always takes hold.
  }

  doubleClick(): void {
    if (this.#points.length >= FEWEST[this.#purpose]) this.#close();
  }

  hover(pointer: Pointer): void {
    this.#paint(pointer);
  }

  out(): void {
    this.#pointer = null;
    this.#paint(null);
  }

  key(key: string): boolean {
    if (this.#points.length === 0) return false;
    if (key === "Enter") this.#close();
    else if (key === "Backspace" || key === "Ctrl+Z") this.#points.pop();
    else if (key === "Escape") this.#clear();
    else return false;
    this.#paint(this.#pointer);
    return true;
  }

  leave(): void {
    this.#clear();
  }

  #close(): void {
    const { screen } = this.#parts.workbench.context;
    if (this.#points.length < FEWEST[this.#purpose]) {
      screen.say(TOO_FEW[this.#purpose]);
      return;
    }
    // Where it cannot be kept, the line stays, to be mended.
    if (this.#keep()) this.#clear();
    else this.#paint(this.#pointer);
  }

  /** Does what the line was drawn for; false where that cannot be, which has been said. */
  #keep(): boolean {
    const { workbench } = this.#parts;
    const shape = this.#isFreehand ? drawnByHand(this.#points) : contour(this.#points);
    if (this.#purpose === "contour") return workbench.gesture(drawCell, { shape });
    const uuid = this.#cell ?? this.#cellOn(this.#points);
    if (uuid === null) {
      workbench.context.screen.say("Select the cell first, or begin on it.");
      return false;
    }
    const isKept =
      this.#purpose === "split"
        ? workbench.gesture(splitCell, { uuid, line: this.#points })
        : workbench.gesture(this.#purpose === "add" ? addToCell : cutFromCell, { uuid, ring: shape.points });
    if (isKept && this.#purpose !== "split") workbench.context.store.select([uuid]);
    return isKept;
  }

  /** The selected cell, if it is one; else the one under the pointer; else, in the end, one that the line passes. */
  #cellFor(pointer: Pointer): Uuid | null {
    const [only, ...others] = this.#parts.workbench.context.store.selectedCells();
    return only && others.length === 0 ? only.uuid : this.#cellOn([pointer.at]);
  }

  #cellOn(points: readonly ImagePoint[]): Uuid | null {
    for (const [index, point] of points.entries()) {
      // A line of two corners crosses what lies between them.
      const last = points[index - 1] ?? point;
      for (const place of [point, imagePoint((point.x + last.x) / 2, (point.y + last.y) / 2)]) {
        const hit = this.#parts.index.hits(place).find((one) => one.type === "cell");
        if (hit?.type === "cell") return hit.uuid;
      }
    }
    return null;
  }

  /** Whether a line drawn by hand has come round, or, where it splits, is drawn to its end. */
  #isDone(before: number, drawn: number): boolean {
    if (this.#purpose === "split") return before === 0 && drawn > 1;
    if (before > 0 || drawn < WHOLE) return false;
    const length = this.#points.reduce((sum, point, index) => sum + distance(this.#points[index - 1] ?? point, point), 0);
    const [first, last] = [this.#points[0], this.#points.at(-1)];
    return first !== undefined && last !== undefined && distance(first, last) <= NEAR * length;
  }

  #clear(): void {
    this.#points = [];
    this.#isFreehand = false;
    this.#cell = null;
    this.#parts.canvas.sketch(null);
  }

  #closesAt(pointer: Pointer): boolean {
    const [first] = this.#points;
    return this.#purpose !== "split" && first !== undefined && this.#points.length >= 3 && this.#away(first, pointer) <= CLOSING;
  }

  #away(point: ImagePoint, { screen }: Pointer): number {
    return distance(this.#parts.viewport.toScreen(point), screen);
  }

  #paint(pointer: Pointer | null): void {
    this.#pointer = pointer;
    if (this.#points.length === 0) {
      this.#parts.canvas.sketch(null);
      return;
    }
    const closes = pointer !== null && this.#closesAt(pointer);
    const points = pointer && !closes ? [...this.#points, pointer.at] : this.#points;
    this.#parts.canvas.sketch({ shapes: [], look: "cell", line: { points, closes } });
  }
}
