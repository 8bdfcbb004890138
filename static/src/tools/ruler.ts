/** The ruler: a line from here to there, with its length. It changes nothing. */

import type { ImagePoint } from "../geometry/points";
import { distance } from "../geometry/points";
import type { Grip, Parts, Pointer, Tool } from "./tool";

export class RulerTool implements Tool {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  press(from: Pointer): Grip {
    return {
      move: ({ at }) => {
        this.#show(from.at, at);
      },
      release: ({ at }, hasMoved) => {
        if (hasMoved) this.#show(from.at, at);
        else this.leave();
      },
      cancel: () => {
        this.leave();
      },
    };
  }

  click(): void {
    // `press` always takes hold.
  }

  leave(): void {
    this.#parts.canvas.sketch(null);
    this.#parts.workbench.context.screen.measured(null);
  }

  #show(from: ImagePoint, to: ImagePoint): void {
    this.#parts.canvas.sketch({ shapes: [], look: "cell", ruler: { from, to } });
    this.#parts.workbench.context.screen.measured(distance(from, to));
  }
}
