/**
 * Select: click, Shift and click, a frame by Shift and drag or by a pen; drag what is selected or its handles; drag the
 * field.
 */

import type { Bounds, ImagePoint } from "../geometry/points";
import type { Hit } from "../spatial";
import { pullCells, pullHandle, pullOnly, removeCorner } from "./pulling";
import type { Grip, Parts, Pointer, Tool } from "./tool";
import { handleAt, onlySelected, slack } from "./tool";

export class SelectTool implements Tool {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  press(pointer: Pointer): Grip | null {
    const { workbench } = this.#parts;
    if (workbench.context.mayEdit) {
      const only = onlySelected(this.#parts);
      const handle = only && handleAt(this.#parts, only.shape, pointer);
      if (only && handle) {
        if (pointer.alt) removeCorner(this.#parts, only, handle.id);
        return pointer.alt ? NO_GRIP : pullHandle(this.#parts, only, handle.id);
      }
      if (!pointer.shift && this.#isOnSelected(pointer) && this.#isFree()) {
        const grip = only ? pullOnly(this.#parts, only, pointer) : pullCells(this.#parts, pointer);
        return this.#orClick(grip);
      }
    }
    // A pen has no Shift: it draws the frame, and a finger moves the field.
    return pointer.shift || pointer.by === "pen" ? this.#frame(pointer) : null;
  }

  click(pointer: Pointer): void {
    const { index, workbench } = this.#parts;
    const { store } = workbench.context;
    const hits = index.hits(pointer.at, slack(this.#parts));
    if (pointer.shift) {
      if (hits[0]) this.#toggle(hits[0]);
      return;
    }
    // A second click in the same place reaches what lies under the first.
    const at = hits.findIndex((hit) => this.#isSelected(hit));
    const hit = hits[(at + 1) % Math.max(1, hits.length)];
    if (hit) store.select(...namesOf([hit]));
    else store.select();
  }

  hover(pointer: Pointer): void {
    const { canvas, index, workbench } = this.#parts;
    const hit = index.hit(pointer.at, slack(this.#parts));
    const { store } = workbench.context;
    const shape = hit?.type === "cell" ? store.cell(hit.uuid)?.shape : hit && store.prediction(hit.id)?.shape;
    canvas.hover(shape ?? null);
  }

  out(): void {
    this.#parts.canvas.hover(null);
  }

  leave(): void {
    this.out();
  }

  #isSelected(hit: Hit): boolean {
    const { selection } = this.#parts.workbench.context.store;
    return hit.type === "cell" ? selection.cells.has(hit.uuid) : selection.predictions.has(hit.id);
  }

  #isOnSelected({ at }: Pointer): boolean {
    return this.#parts.index.hits(at, slack(this.#parts)).some((hit) => this.#isSelected(hit));
  }

  /** Whether what is selected can be moved: not all of it is locked. */
  #isFree(): boolean {
    const { store } = this.#parts.workbench.context;
    return store.selectedPredictions().length > 0 || store.selectedCells().some((cell) => !cell.locked);
  }

  /** A grip that, where nothing was moved, is the click that it looked like. */
  #orClick(grip: Grip): Grip {
    return {
      ...grip,
      move: (pointer) => {
        grip.move(pointer);
      },
      release: (pointer, hasMoved) => {
        grip.release(pointer, hasMoved);
        if (!hasMoved) this.click(pointer);
      },
    };
  }

  #toggle(hit: Hit): void {
    const { store } = this.#parts.workbench.context;
    const [cells, predictions] = [new Set(store.selection.cells), new Set(store.selection.predictions)];
    if (hit.type === "cell") flip(cells, hit.uuid);
    else flip(predictions, hit.id);
    store.select(cells, predictions);
  }

  #frame(from: Pointer): Grip {
    const { canvas, index, workbench } = this.#parts;
    return {
      move: ({ at }) => {
        canvas.sketch({ shapes: [], look: "cell", frame: between(from.at, at) });
      },
      release: (pointer, hasMoved) => {
        canvas.sketch(null);
        if (!hasMoved) {
          this.click(pointer);
          return;
        }
        const { store } = workbench.context;
        const [cells, predictions] = namesOf(index.inside(between(from.at, pointer.at)));
        store.select([...store.selection.cells, ...cells], [...store.selection.predictions, ...predictions]);
      },
      cancel: () => {
        canvas.sketch(null);
      },
    };
  }
}

const NO_GRIP: Grip = {
  move: () => undefined,
  release: () => undefined,
  cancel: () => undefined,
};

function namesOf(hits: readonly Hit[]): [string[], number[]] {
  return [
    hits.flatMap((hit) => (hit.type === "cell" ? [hit.uuid] : [])),
    hits.flatMap((hit) => (hit.type === "prediction" ? [hit.id] : [])),
  ];
}

function between(one: ImagePoint, other: ImagePoint): Bounds {
  return {
    x0: Math.min(one.x, other.x),
    y0: Math.min(one.y, other.y),
    x1: Math.max(one.x, other.x),
    y1: Math.max(one.y, other.y),
  };
}

function flip<Value>(set: Set<Value>, value: Value): void {
  if (!set.delete(value)) set.add(value);
}
