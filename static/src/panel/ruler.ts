/** What the ruler says, and how a known length becomes the scale of the field or of its slide. */

import type { Api } from "../api";
import { ApiError } from "../api";
import { byId } from "./dom";

export class RulerPanel {
  readonly #box = byId("ruler", HTMLElement);
  readonly #length = byId("ruler-length", HTMLElement);
  readonly #fault = byId("ruler-fault", HTMLElement);
  readonly #scale: number | null;
  #pixels = 0;

  constructor(api: Api, scale: number | null, may: { readonly review: boolean }) {
    this.#scale = scale;
    const form = byId("ruler-form", HTMLFormElement);
    form.hidden = !may.review;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#set(api);
    });
  }

  /** null: nothing is measured. */
  show(pixels: number | null): void {
    this.#box.hidden = pixels === null;
    if (pixels === null) return;
    this.#pixels = pixels;
    this.#fault.textContent = "";
    const um = this.#scale === null ? "scale unknown" : `${(pixels * this.#scale).toFixed(2)} µm`;
    this.#length.textContent = `${pixels.toFixed(1)} px · ${um}`;
  }

  async #set(api: Api): Promise<void> {
    const um = byId("ruler-um", HTMLInputElement).valueAsNumber;
    if (!(um > 0)) {
      this.#fault.textContent = "Say how many µm the line is long.";
      return;
    }
    try {
      await api.calibrate({ pixels: this.#pixels, um, whole_slide: byId("ruler-slide", HTMLInputElement).checked });
      location.reload(); // sizes and scale bar follow; what is not saved is kept and goes on
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.#fault.textContent = error.message;
    }
  }
}
