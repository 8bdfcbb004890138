/** How the picture is looked at: sliders, white, one stain alone, colours of the classes. Kept in this browser. */

import { prefer, preference } from "../page";
import type { Adjustments, Stain } from "../render/adjust";
import { isPlain, PLAIN, whiteOf } from "../render/adjust";
import type { PictureLayer } from "../render/picture";
import { byId } from "./dom";

const KEPT = "seeing";
export const PALETTE = "palette";

export class SeeingPanel {
  readonly #picture: PictureLayer;
  readonly #badge = byId("adjusted", HTMLElement);
  readonly #brightness = byId("see-brightness", HTMLInputElement);
  readonly #contrast = byId("see-contrast", HTMLInputElement);
  readonly #gamma = byId("see-gamma", HTMLInputElement);
  readonly #stain = byId("see-stain", HTMLSelectElement);
  readonly #white = byId("see-white", HTMLInputElement);

  constructor(picture: PictureLayer) {
    this.#picture = picture;
    for (const input of [this.#brightness, this.#contrast, this.#gamma, this.#stain, this.#white]) {
      input.addEventListener("input", () => {
        this.#set(this.#asked());
      });
    }
    for (const id of ["see-reset", "adjusted-reset"]) {
      byId(id, HTMLButtonElement).addEventListener("click", () => {
        this.#set(PLAIN);
        document.getElementById("canvas")?.focus();
      });
    }
    const palette = byId("see-palette", HTMLSelectElement);
    palette.value = preference(PALETTE) === "distinct" ? "distinct" : "ontology";
    palette.addEventListener("change", () => {
      prefer(PALETTE, palette.value);
      location.reload(); // what is not saved is kept and goes on
    });
  }

  /** Once the picture is there: white is measured on it anew, for each field has its own light. */
  start(): void {
    const kept = readKept(preference(KEPT));
    this.#set({ ...kept, white: kept.white ? this.#measured() : null });
  }

  /** For the command: between how it was adjusted and how it is. */
  toggle(): void {
    if (!isPlain(this.#picture.adjuster.settings)) this.#set(PLAIN, false);
    else this.start();
  }

  #asked(): Adjustments {
    return {
      brightness: this.#brightness.valueAsNumber,
      contrast: this.#contrast.valueAsNumber,
      gamma: 2 ** (this.#gamma.valueAsNumber / 50),
      white: this.#white.checked ? (this.#picture.adjuster.settings.white ?? this.#measured()) : null,
      stain: this.#stain.value as Stain,
    };
  }

  #measured(): [number, number, number] | null {
    const overview = this.#picture.overview();
    return overview && whiteOf(overview.data);
  }

  #set(settings: Adjustments, isKept = true): void {
    this.#picture.adjuster.set(settings);
    if (isKept) prefer(KEPT, JSON.stringify(settings));
    this.#brightness.value = String(settings.brightness);
    this.#contrast.value = String(settings.contrast);
    this.#gamma.value = String(Math.round(50 * Math.log2(settings.gamma)));
    this.#stain.value = settings.stain;
    this.#white.checked = settings.white !== null;
    this.#badge.hidden = isPlain(settings);
  }
}

function readKept(text: string | null): Adjustments {
  try {
    return { ...PLAIN, ...(JSON.parse(text ?? "{}") as Partial<Adjustments>) };
  } catch {
    return PLAIN;
  }
}
