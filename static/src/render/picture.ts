/** The picture of the field. Shrunk it is smoothed; at 100 % and closer its own pixels are shown, unless wished otherwise. */

import type { Bounds } from "../geometry/points";
import type { Picture } from "../outline";
import type { Painter, Placement } from "../viewport";

/** No copy with a longer side smaller than this. */
const SMALLEST = 500;

export class PictureLayer {
  /** Whether pixels are smoothed when they are larger than the screen's. */
  isSmooth = false;
  readonly #canvas = document.createElement("canvas");
  /** The picture, then its halves and quarters: far away, a small copy is painted much faster and looks better. */
  #copies: { readonly source: CanvasImageSource; readonly scale: number }[] = [];
  readonly #size: { readonly width: number; readonly height: number };

  constructor(size: { readonly width: number; readonly height: number }) {
    this.#size = size;
    this.#canvas.className = "bench-layer";
  }

  /** Resolves when it can be painted; throws when it cannot be loaded. */
  async load(url: string): Promise<void> {
    const image = new Image();
    image.src = url;
    await image.decode();
    this.#copies = [{ source: image, scale: 1 }];
    for (let scale = 0.5; Math.max(image.width, image.height) * scale >= SMALLEST; scale /= 2) {
      const [last] = this.#copies.slice(-1);
      if (last) this.#copies.push({ source: halved(last.source, image.width * scale, image.height * scale), scale });
    }
  }

  /** The own pixels of a part, given in whole pixels; null before the picture is there, or where it cannot be read. */
  pixels({ x0, y0, x1, y1 }: Bounds): Picture | null {
    const [whole] = this.#copies;
    if (whole === undefined || x1 <= x0 || y1 <= y0) return null;
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [x1 - x0, y1 - y0];
    try {
      const context = contextOf(canvas);
      context.drawImage(whole.source, 0 - x0, 0 - y0);
      return context.getImageData(0, 0, canvas.width, canvas.height);
    } catch (error) {
      if (error instanceof DOMException) return null; // a picture of another origin may be shown, but not read
      throw error;
    }
  }

  readonly paint: Painter = (placement) => {
    const context = sized(this.#canvas, placement);
    context.clearRect(0, 0, this.#canvas.width, this.#canvas.height);
    const { scale, ratio } = placement;
    const copy = this.#copies.findLast((one) => one.scale >= scale * ratio) ?? this.#copies[0];
    if (copy === undefined) return this.#canvas;
    context.imageSmoothingEnabled = scale * ratio < 1 || this.isSmooth;
    context.imageSmoothingQuality = placement.isMoving ? "low" : "medium";
    // Only what is in the window is handed over: a part of a large picture is painted faster than the whole.
    const part = seen(placement, this.#size);
    if (part === null) return this.#canvas;
    const [x, y, width, height] = part;
    const by = scale * ratio;
    context.drawImage(
      copy.source,
      x * copy.scale,
      y * copy.scale,
      width * copy.scale,
      height * copy.scale,
      (x - placement.left) * by,
      (y - placement.top) * by,
      width * by,
      height * by,
    );
    return this.#canvas;
  };
}

function halved(source: CanvasImageSource, width: number, height: number): HTMLCanvasElement {
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(width));
  canvas.height = Math.max(1, Math.round(height));
  const context = contextOf(canvas);
  context.imageSmoothingQuality = "medium";
  context.drawImage(source, 0, 0, canvas.width, canvas.height);
  return canvas;
}

/** Makes the canvas as large as the window; returns its context. */
export function sized(canvas: HTMLCanvasElement, { width, height, ratio }: Placement): CanvasRenderingContext2D {
  const [wide, high] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== wide || canvas.height !== high) {
    canvas.width = wide;
    canvas.height = high;
    canvas.style.width = `${width}px`;
    canvas.style.height = `${height}px`;
  }
  return contextOf(canvas);
}

export function contextOf(canvas: HTMLCanvasElement): CanvasRenderingContext2D {
  const context = canvas.getContext("2d");
  if (context === null) throw new Error("This browser has no 2D canvas.");
  return context;
}

/** The part of the picture in the window, in whole pixels: x, y, width, height. */
function seen(
  { left, top, width, height, scale }: Placement,
  size: { readonly width: number; readonly height: number },
): [number, number, number, number] | null {
  const x0 = Math.max(0, Math.floor(left));
  const y0 = Math.max(0, Math.floor(top));
  const x1 = Math.min(size.width, Math.ceil(left + width / scale));
  const y1 = Math.min(size.height, Math.ceil(top + height / scale));
  return x1 > x0 && y1 > y0 ? [x0, y0, x1 - x0, y1 - y0] : null;
}
