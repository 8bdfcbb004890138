/** Adjusts tiles beside the page, so that no hand waits for it. */

import type { Adjustments } from "./render/adjust";
import { adjust } from "./render/adjust";

interface Asked {
  readonly id: number;
  readonly settings: Adjustments;
  readonly pixels: Uint8ClampedArray<ArrayBuffer>;
}

self.addEventListener("message", ({ data }: MessageEvent<Asked>) => {
  adjust(data.pixels, data.settings);
  self.postMessage({ id: data.id, pixels: data.pixels }, { transfer: [data.pixels.buffer] });
});
