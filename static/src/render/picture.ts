/** The picture of the field. Shrunk it is smoothed; at 100 % and closer its own pixels are shown, unless wished otherwise. */

import type { Bounds } from "../geometry/points";
import type { Picture } from "../outline";
import type { Painter, Placement } from "../viewport";
import { Adjuster } from "./adjuster";
import type { Pyramid, Size, Tile, TilesInfo } from "./pyramid";
import { CopiedPyramid, keyOf, ServedPyramid, sizeOfTile } from "./pyramid";

/** Around the picture: the grey of the stage (workbench.css). Nothing shines through, so nothing has to be blended. */
const STAGE = "#3b3f43";
/** No copy with a longer side smaller than this. */
const SMALLEST = 500;

export class PictureLayer {
  /** Whether pixels are smoothed when they are larger than the screen's. */
  isSmooth = false;
  readonly adjuster: Adjuster;
  readonly #canvas = document.createElement("canvas");
  /** The picture, then its halves and quarters: far away, a small copy is painted much faster and looks better. */
  #copies: { readonly source: CanvasImageSource; readonly size: Size; readonly scale: number }[] = [];
  #pyramid: Pyramid | null = null;
  readonly #size: Size;
  readonly #repaint: () => void;

  constructor(size: Size, adjustAddress: string, repaint: () => void) {
    this.#size = size;
    this.#repaint = repaint;
    this.adjuster = new Adjuster(adjustAddress, repaint);
    this.#canvas.className = "bench-layer bench-picture";
  }

  /** Resolves when it can be painted; throws when it cannot be loaded. A large picture comes in `tiles`. */
  async load(url: string, tiles: TilesInfo | null = null): Promise<void> {
    if (tiles) {
      const pyramid = new ServedPyramid(tiles, this.#size, this.#repaint);
      await pyramid.load();
      this.#pyramid = pyramid;
      return;
    }
    const image = new Image();
    image.src = url;
    await image.decode();
    this.#copies = [{ source: image, size: { width: image.width, height: image.height }, scale: 1 }];
    for (let scale = 0.5; Math.max(image.width, image.height) * scale >= SMALLEST; scale /= 2) {
      const [last] = this.#copies.slice(-1);
      const copy = last && halved(last.source, image.width * scale, image.height * scale);
      if (copy) this.#copies.push({ source: copy, size: { width: copy.width, height: copy.height }, scale });
    }
    this.#pyramid = new CopiedPyramid(this.#copies);
  }

  /** The own pixels of a part, given in whole pixels; null before the picture is there, or where it cannot be read. */
  pixels({ x0, y0, x1, y1 }: Bounds): Picture | null {
    if (this.#pyramid === null || x1 <= x0 || y1 <= y0) return null;
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [x1 - x0, y1 - y0];
    try {
      const context = contextOf(canvas);
      const [whole] = this.#copies;
      if (whole) context.drawImage(whole.source, 0 - x0, 0 - y0);
      else if (!gathered(context, this.#pyramid, { x0, y0, x1, y1 })) return null;
      return context.getImageData(0, 0, canvas.width, canvas.height);
    } catch (error) {
      if (error instanceof DOMException) return null; // a picture of another origin may be shown, but not read
      throw error;
    }
  }

  /** The whole picture, small: for what is estimated from all of it. */
  overview(): ImageData | null {
    const pyramid = this.#pyramid;
    if (pyramid === null) return null;
    const level = pyramid.levels - 1;
    const { width, height } = pyramid.sizeOf(level);
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [width, height];
    const context = contextOf(canvas);
    if (!gathered(context, pyramid, { x0: 0, y0: 0, x1: width, y1: height }, level)) return null;
    return context.getImageData(0, 0, width, height);
  }

  readonly paint: Painter = (placement) => {
    const context = sized(this.#canvas, placement, { alpha: false });
    context.fillStyle = STAGE;
    context.fillRect(0, 0, this.#canvas.width, this.#canvas.height);
    const { scale, ratio } = placement;
    context.imageSmoothingEnabled = scale * ratio < 1 || this.isSmooth;
    // The copies are the halves that "medium" would make: it would blur them once more, and change while a zoom goes on.
    context.imageSmoothingQuality = "low";
    if (this.#copies.length > 0 && this.adjuster.isPlain) this.#paintCopy(context, placement);
    else if (this.#pyramid) this.#paintTiles(context, placement, this.#pyramid);
    return this.#canvas;
  };

  #paintCopy(context: CanvasRenderingContext2D, placement: Placement): void {
    const by = placement.scale * placement.ratio;
    const copy = this.#copies.findLast((one) => one.scale >= by) ?? this.#copies[0];
    // Only what is in the window is handed over: a part of a large picture is painted faster than the whole.
    const part = seen(placement, this.#size);
    if (copy === undefined || part === null) return;
    const [x, y, width, height] = part;
    const [left, top, right, lower] = placed(placement, x, y, x + width, y + height);
    context.drawImage(
      copy.source,
      x * copy.scale,
      y * copy.scale,
      width * copy.scale,
      height * copy.scale,
      left,
      top,
      right - left,
      lower - top,
    );
  }

  /** The level that the window wants; below it the smallest one, until all of its tiles are there. */
  #paintTiles(context: CanvasRenderingContext2D, placement: Placement, pyramid: Pyramid): void {
    const last = pyramid.levels - 1;
    const wanted = Math.min(last, Math.max(0, Math.floor(Math.log2(1 / (placement.scale * placement.ratio)) + 1e-6)));
    const tiles = this.#visible(placement, pyramid, wanted).map((tile) => ({ tile, source: this.#look(pyramid, tile) }));
    if (wanted < last && tiles.some(({ source }) => source === null)) {
      for (const tile of this.#visible(placement, pyramid, last)) {
        const source = this.#look(pyramid, tile);
        if (source) this.#paintTile(context, placement, pyramid, tile, source);
      }
    }
    for (const { tile, source } of tiles) if (source) this.#paintTile(context, placement, pyramid, tile, source);
  }

  #look(pyramid: Pyramid, tile: Tile): CanvasImageSource | null {
    if (this.adjuster.isPlain) return pyramid.tile(tile);
    if (pyramid instanceof ServedPyramid && pyramid.tile(tile) === null) return null;
    return this.adjuster.tile(keyOf(tile), () => pixelsOf(pyramid, tile));
  }

  #visible(placement: Placement, pyramid: Pyramid, level: number): Tile[] {
    const part = seen(placement, this.#size);
    if (part === null) return [];
    const side = pyramid.tileSize * 2 ** level;
    const [x, y, width, height] = part;
    const found: Tile[] = [];
    for (let row = Math.floor(y / side); row * side < y + height; row++) {
      for (let column = Math.floor(x / side); column * side < x + width; column++) found.push({ level, column, row });
    }
    return found;
  }

  #paintTile(context: CanvasRenderingContext2D, placement: Placement, pyramid: Pyramid, tile: Tile, source: CanvasImageSource): void {
    const [many, side] = [2 ** tile.level, pyramid.tileSize * 2 ** tile.level];
    const { width, height } = sizeOfTile(pyramid, tile);
    const [x, y] = [tile.column * side, tile.row * side];
    const [left, top, right, lower] = placed(placement, x, y, x + width * many, y + height * many);
    context.drawImage(source, left, top, right - left, lower - top);
  }
}

/** Where a part of the field lies on the canvas, in whole device pixels: so tiles meet, and at 100 % no pixel is mixed. */
function placed({ left, top, scale, ratio }: Placement, x0: number, y0: number, x1: number, y1: number): [number, number, number, number] {
  const by = scale * ratio;
  const [x, y] = [Math.round(-left * by), Math.round(-top * by)];
  return [Math.round(x + x0 * by), Math.round(y + y0 * by), Math.round(x + x1 * by), Math.round(y + y1 * by)];
}

/** Draws a part of a level from its tiles; false where one of them is not there yet. */
function gathered(context: CanvasRenderingContext2D, pyramid: Pyramid, { x0, y0, x1, y1 }: Bounds, level = 0): boolean {
  const side = pyramid.tileSize;
  let isWhole = true;
  for (let row = Math.floor(Math.max(0, y0) / side); row * side < y1; row++) {
    for (let column = Math.floor(Math.max(0, x0) / side); column * side < x1; column++) {
      const { width, height } = sizeOfTile(pyramid, { level, column, row });
      if (width <= 0 || height <= 0) continue;
      const source = pyramid.tile({ level, column, row });
      if (source) context.drawImage(source, column * side - x0, row * side - y0);
      else isWhole = false;
    }
  }
  return isWhole;
}

function pixelsOf(pyramid: Pyramid, tile: Tile): ImageData {
  const { width, height } = sizeOfTile(pyramid, tile);
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [width, height];
  const context = canvas.getContext("2d", { willReadFrequently: true });
  const source = pyramid.tile(tile);
  if (context === null || source === null) throw new Error("A tile is read before it is there.");
  context.drawImage(source, 0, 0);
  return context.getImageData(0, 0, width, height);
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
export function sized(
  canvas: HTMLCanvasElement,
  { width, height, ratio }: Placement,
  settings?: CanvasRenderingContext2DSettings,
): CanvasRenderingContext2D {
  const [wide, high] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== wide || canvas.height !== high) {
    canvas.width = wide;
    canvas.height = high;
    canvas.style.width = `${width}px`;
    canvas.style.height = `${height}px`;
  }
  return contextOf(canvas, settings);
}

export function contextOf(canvas: HTMLCanvasElement, settings?: CanvasRenderingContext2DSettings): CanvasRenderingContext2D {
  const context = canvas.getContext("2d", settings);
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
