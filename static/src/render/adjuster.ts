/** Keeps adjusted tiles. Each is made once for a setting, by a worker; until it is there the one before is shown. */

import type { Adjustments } from "./adjust";
import { adjust, isPlain, PLAIN } from "./adjust";
import { contextOf } from "./picture";

/** So many tiles of 512 x 512 pixels are kept: about 128 MB, several windows full. */
const KEPT = 128;

interface Kept {
  readonly canvas: HTMLCanvasElement;
  readonly settings: Adjustments;
}

export class Adjuster {
  readonly #worker: Worker | null;
  readonly #repaint: () => void;
  readonly #tiles = new Map<string, Kept>();
  readonly #asked = new Map<number, { readonly key: string; readonly settings: Adjustments; readonly width: number }>();
  readonly #waiting = new Set<string>();
  #next = 1;
  #settings: Adjustments = PLAIN;

  constructor(address: string, repaint: () => void) {
    this.#repaint = repaint;
    this.#worker = typeof Worker === "undefined" ? null : new Worker(address);
    this.#worker?.addEventListener("message", ({ data }: MessageEvent<{ id: number; pixels: Uint8ClampedArray<ArrayBuffer> }>) => {
      const asked = this.#asked.get(data.id);
      this.#asked.delete(data.id);
      if (asked === undefined) return;
      this.#waiting.delete(asked.key);
      this.#keep(asked.key, asked.settings, data.pixels, asked.width);
      this.#repaint();
    });
  }

  get isPlain(): boolean {
    return isPlain(this.#settings);
  }

  get settings(): Adjustments {
    return this.#settings;
  }

  set(settings: Adjustments): void {
    this.#settings = settings;
    if (isPlain(settings)) this.#tiles.clear();
    this.#repaint();
  }

  /** The tile as it is to be seen; an older one, or null, until it is made. `pixels` reads the tile's own. */
  tile(key: string, pixels: () => ImageData): HTMLCanvasElement | null {
    const kept = this.#tiles.get(key);
    if (kept?.settings === this.#settings) {
      this.#tiles.delete(key); // the one used last is the last to go
      this.#tiles.set(key, kept);
      return kept.canvas;
    }
    if (!this.#waiting.has(key)) this.#make(key, pixels());
    return this.#tiles.get(key)?.canvas ?? null;
  }

  #make(key: string, { data, width }: ImageData): void {
    const pixels = data;
    if (this.#worker === null) {
      adjust(pixels, this.#settings);
      this.#keep(key, this.#settings, pixels, width);
      return;
    }
    const id = this.#next++;
    this.#waiting.add(key);
    this.#asked.set(id, { key, settings: this.#settings, width });
    this.#worker.postMessage({ id, settings: this.#settings, pixels }, [pixels.buffer]);
  }

  #keep(key: string, settings: Adjustments, pixels: Uint8ClampedArray<ArrayBuffer>, width: number): void {
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [width, pixels.length / 4 / width];
    contextOf(canvas).putImageData(new ImageData(pixels, width), 0, 0);
    this.#tiles.delete(key);
    this.#tiles.set(key, { canvas, settings });
    for (const old of this.#tiles.keys()) {
      if (this.#tiles.size <= KEPT) break;
      this.#tiles.delete(old);
    }
  }
}
