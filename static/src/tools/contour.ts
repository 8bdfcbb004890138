/**
 * Contour, the exact label: corner by corner with clicks, or round the cell in one go with the button held.
 *
 * Closed by its first corner, a double click or Enter; Backspace takes the last corner back, Escape gives it up.
 */

import { drawCell } from "../commands";
import type { ImagePoint } from "../geometry/points";
import { distance } from "../geometry/points";
import { contour, contourDrawn } from "../shapes";
import type { Grip, Parts, Pointer, Tool } from "./tool";

/** Screen pixels between the corners of a line drawn by hand. */
const STEP = 3;
/** So near to its first corner a contour is closed. */
const CLOSING = 9;
/** A line of so many corners drawn in one go is a whole contour. */
const WHOLE = 8;

export class ContourTool implements Tool {
  readonly #parts: Parts;
  #points: ImagePoint[] = [];
  #pointer: Pointer | null = null;
  /** Corners drawn by hand lie closer than an eye can tell: they are thinned out at the end. */
  #isFreehand = false;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  press(pointer: Pointer): Grip {
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
        if (closes || (before.length === 0 && drawn >= WHOLE) || (drawn > 1 && this.#closesAt(next))) this.#close();
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
    if (this.#points.length >= 3) this.#close();
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
    const { workbench } = this.#parts;
    if (this.#points.length < 3) {
      workbench.context.screen.say("A contour needs three corners: go on drawing round the cell.");
      return;
    }
    const shape = this.#isFreehand ? contourDrawn(this.#points) : contour(this.#points);
    // Where it cannot be kept, the line stays, to be mended.
    if (workbench.gesture(drawCell, { shape })) this.#clear();
    else this.#paint(this.#pointer);
  }

  #clear(): void {
    this.#points = [];
    this.#isFreehand = false;
    this.#parts.canvas.sketch(null);
  }

  #closesAt(pointer: Pointer): boolean {
    const [first] = this.#points;
    return first !== undefined && this.#points.length >= 3 && this.#away(first, pointer) <= CLOSING;
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
