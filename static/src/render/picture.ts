/** The picture of the field. Shrunk it is smoothed; at 100 % and closer its own pixels are shown, unless wished otherwise. */

import type { Painter, Placement } from "../viewport";

export class PictureLayer {
  /** Whether pixels are smoothed when they are larger than the screen's. */
  isSmooth = false;
  readonly #canvas = document.createElement("canvas");
  #image: CanvasImageSource | null = null;
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
    this.#image = image;
  }

  readonly paint: Painter = (placement) => {
    const context = sized(this.#canvas, placement);
    context.clearRect(0, 0, this.#canvas.width, this.#canvas.height);
    if (this.#image === null) return this.#canvas;
    const { scale, ratio } = placement;
    context.imageSmoothingEnabled = scale * ratio < 1 || this.isSmooth;
    context.imageSmoothingQuality = placement.isMoving ? "low" : "medium";
    // Only what is in the window is handed over: a part of a large picture is painted faster than the whole.
    const part = seen(placement, this.#size);
    if (part === null) return this.#canvas;
    const [x, y, width, height] = part;
    const by = scale * ratio;
    context.drawImage(
      this.#image,
      x,
      y,
      width,
      height,
      (x - placement.left) * by,
      (y - placement.top) * by,
      width * by,
      height * by,
    );
    return this.#canvas;
  };
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
