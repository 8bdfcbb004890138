/**
 * Circle and box, the weak labels: one drag each. A circle is drawn from its middle, or across from edge to edge where the
 * person has chosen so, and with Alt the other way. A click places a circle like the last one.
 */

import { drawCell } from "../commands";
import type { ImagePoint } from "../geometry/points";
import { distance, imagePoint } from "../geometry/points";
import { box, circle } from "../shapes";
import type { Shape } from "../types";
import { pullHandle } from "./pulling";
import type { Grip, Parts, Pointer, Tool } from "./tool";
import { handleAt, onlySelected } from "./tool";

export class WeakTool implements Tool {
  readonly #parts: Parts;
  readonly #kind: "circle" | "box";

  constructor(parts: Parts, kind: "circle" | "box") {
    this.#parts = parts;
    this.#kind = kind;
  }

  press(pointer: Pointer): Grip {
    // What was just drawn can be mended without changing the tool.
    const only = onlySelected(this.#parts);
    const handle = only?.type === "cell" ? handleAt(this.#parts, only.shape, pointer) : null;
    if (only && handle) return pullHandle(this.#parts, only, handle.id);
    return this.#draw(pointer);
  }

  click(): void {
    // `press` always takes hold.
  }

  hover(pointer: Pointer): void {
    if (this.#kind === "circle") this.#show(circle(pointer.at, this.#radius), true);
  }

  out(): void {
    this.#parts.canvas.sketch(null);
  }

  leave(): void {
    this.out();
  }

  get #radius(): number {
    return this.#parts.workbench.context.store.view.radius;
  }

  #draw(from: Pointer): Grip {
    const { workbench, canvas } = this.#parts;
    return {
      move: (pointer) => {
        this.#show(this.#shape(from.at, pointer), false);
      },
      release: (pointer, hasMoved) => {
        canvas.sketch(null);
        if (hasMoved) workbench.gesture(drawCell, { shape: this.#shape(from.at, pointer) });
        else if (this.#kind === "circle") workbench.gesture(drawCell, { shape: circle(from.at, this.#radius) });
        else workbench.context.screen.say("Drag from one corner of the cell to the opposite one.");
      },
      cancel: () => {
        canvas.sketch(null);
      },
    };
  }

  #shape(from: ImagePoint, { at: to, alt }: Pointer): Shape {
    if (this.#kind === "box") return box(from, to);
    if (this.#parts.workbench.context.store.view.drawsAcross === alt) return circle(from, distance(from, to));
    return circle(imagePoint((from.x + to.x) / 2, (from.y + to.y) / 2), distance(from, to) / 2);
  }

  #show(shape: Shape, isGhost: boolean): void {
    const { classes, store } = this.#parts.workbench.context;
    const number = store.view.activeClass ?? classes.first?.number ?? 0;
    this.#parts.canvas.sketch({ shapes: [{ shape, class: number, label: "" }], look: "cell", isGhost });
  }
}
