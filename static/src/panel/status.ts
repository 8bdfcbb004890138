/** Under the field: the scale bar, the zoom, where the pointer is, and what lies under it. */

import type { Workbench } from "../commands";
import type { Begun } from "../keyboard";
import type { SpatialIndex } from "../spatial";
import type { ModelInfo } from "../types";
import type { Pointer } from "../tools/tool";
import type { Viewport } from "../viewport";
import { byId, h } from "./dom";
import { originOf } from "./selection";

/** The bar is at most so many screen pixels long. */
const LONGEST = 140;
/** While a zoom goes on the scale is written so often: each writing lays the page out anew, and an eye follows no faster. */
const WRITTEN_MS = 80;

export class StatusLine {
  readonly #workbench: Workbench;
  readonly #viewport: Viewport;
  readonly #index: SpatialIndex;
  readonly #modelOf: () => ModelInfo | null;
  readonly #zoom = byId("zoom", HTMLElement);
  readonly #where = byId("where", HTMLElement);
  readonly #bar = byId("scale-bar", HTMLElement);
  readonly #length = byId("scale-length", HTMLElement);
  readonly #tip = byId("tip", HTMLElement);
  readonly #prefix = byId("prefix", HTMLElement);
  /** The timer of a scale that is not written yet; 0: the one shown holds. */
  #writing = 0;
  #written = 0;

  constructor(workbench: Workbench, viewport: Viewport, index: SpatialIndex, modelOf: () => ModelInfo | null) {
    this.#workbench = workbench;
    this.#viewport = viewport;
    this.#index = index;
    this.#modelOf = modelOf;
    viewport.onMove(() => {
      this.#tip.hidden = true;
      if (this.#writing === 0 && viewport.scale !== this.#written) this.#writing = window.setTimeout(() => { this.showScale(); }, WRITTEN_MS);
    });
    this.showScale();
  }

  showScale(): void {
    clearTimeout(this.#writing);
    this.#writing = 0;
    const { scale } = this.#viewport;
    this.#written = scale;
    this.#zoom.textContent = `${scale < 0.1 ? (scale * 100).toFixed(1) : Math.round(scale * 100)} %`;
    const { um_per_px: micrometres } = this.#workbench.context.field;
    const unit = micrometres ?? 1;
    const length = roundLength((LONGEST / scale) * unit);
    this.#bar.style.width = `${(length / unit) * scale}px`;
    this.#length.textContent = `${length} ${micrometres === null ? "px" : "µm"}`;
  }

  /** null: the pointer has left the field. */
  showPointer(pointer: Pointer | null): void {
    if (pointer === null) {
      this.#where.textContent = "";
      this.#tip.hidden = true;
      return;
    }
    const { x, y } = pointer.at;
    const { field } = this.#workbench.context;
    const inside = x >= 0 && y >= 0 && x <= field.width && y <= field.height;
    const inMicrometres = field.um_per_px === null ? "" : ` · ${um(x, field.um_per_px)}, ${um(y, field.um_per_px)} µm`;
    this.#where.textContent = inside ? `${Math.floor(x)}, ${Math.floor(y)} px${inMicrometres}` : "";
    this.#showTip(pointer);
  }

  showPrefix(begun: Begun | null): void {
    this.#prefix.hidden = begun === null;
    if (begun === null) return;
    const { prefix, classes, above } = begun;
    const stop = above && !classes.some((one) => one === above && one.hotkey === prefix) ? [h("span", {}, h("kbd", {}, "Enter"), ` ${above.name}`)] : [];
    this.#prefix.replaceChildren(
      ...classes.map((one) => h("span", {}, h("kbd", {}, one.hotkey.slice(prefix.length)), ` ${one.name}`)),
      ...stop,
    );
  }

  #showTip(pointer: Pointer): void {
    const text = this.#tipOf(pointer);
    this.#tip.hidden = text === null;
    if (text === null) return;
    this.#tip.textContent = text;
    this.#tip.style.transform = `translate(${pointer.screen.x + 14}px, ${pointer.screen.y + 18}px)`;
  }

  #tipOf({ at }: Pointer): string | null {
    const { store, classes, screen } = this.#workbench.context;
    if (screen.tool !== "select") return null;
    const hit = this.#index.hit(at);
    if (hit === null) return null;
    const nameOf = (number: number): string => classes.get(number)?.name ?? `Class ${number}`;
    if (hit.type === "prediction") {
      const prediction = store.prediction(hit.id);
      if (prediction === undefined) return null;
      const best = prediction.class_scores.slice(0, 3).map(([number, score]) => `${nameOf(number)} ${score.toFixed(2)}`);
      const head = `${nameOf(prediction.class)} ${prediction.score.toFixed(2)} · predicted by ${this.#modelOf()?.label ?? "a model"}`;
      return best.length > 1 ? `${head}\n${best.join(", ")}` : head;
    }
    const cell = store.cell(hit.uuid);
    if (cell === undefined) return null;
    return `${nameOf(cell.class)} · ${originOf(cell, store.prediction(cell.prediction ?? -1), this.#modelOf())}`;
  }
}

/** 1, 2 or 5 times a power of ten, at most `most`. */
function roundLength(most: number): number {
  const power = 10 ** Math.floor(Math.log10(most));
  const step = [5, 2, 1].find((one) => one * power <= most) ?? 1;
  const length = step * power;
  return length >= 1 ? Math.round(length) : Number(length.toPrecision(1));
}

function um(pixels: number, scale: number): string {
  return (pixels * scale).toFixed(1);
}
