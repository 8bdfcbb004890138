/**
 * A layer of very many shapes. They are painted once on a sheet larger than the window, which then moves with the
 * field; a change paints anew only the rectangle it touches. So neither panning nor one of 5,000 cells costs a frame.
 */

import type { Bounds } from "../geometry/points";
import type { Painter, Placement } from "../viewport";
import { contextOf } from "./picture";
import type { Place } from "./styles";
import { REACH } from "./styles";

/** The sheet reaches this share of the window beyond each of its edges. */
const MARGIN = 0.5;
/** No canvas larger than this, in device pixels a side: browsers refuse it. */
const LARGEST = 8192;

/** While a zoom goes on a sheet is shown so many times enlarged: blurred lines for a moment, and no frame is late. */
const BLURRED = 8;

/** What a layer holds: what of it touches these bounds, in field pixels, and how that is painted. */
export interface Content<Thing> {
  readonly within: (bounds: Bounds) => readonly Thing[];
  readonly paint: (context: CanvasRenderingContext2D, things: readonly Thing[], place: Place) => void;
}

interface Sheet extends Place {
  readonly ratio: number;
  /** Of the field. */
  readonly bounds: Bounds;
}

export class SheetLayer<Thing> {
  readonly #frame = document.createElement("div");
  readonly #canvas = document.createElement("canvas");
  readonly #size: { readonly width: number; readonly height: number };
  readonly #content: Content<Thing>;
  readonly #repaint: () => void;
  #sheet: Sheet | null = null;
  #dirty: Bounds[] = [];
  /** Of the canvas, in device pixels; 0 before anything was painted on it. */
  #wide = 0;
  #high = 0;

  constructor(
    size: { readonly width: number; readonly height: number },
    content: Content<Thing>,
    repaint: () => void,
  ) {
    this.#size = size;
    this.#content = content;
    this.#repaint = repaint;
    this.#frame.className = "bench-layer";
    this.#canvas.className = "bench-sheet";
    this.#frame.append(this.#canvas);
  }

  /** Something within these bounds looks different now. */
  renew(bounds: Bounds): void {
    this.#dirty.push(bounds);
    this.#repaint();
  }

  renewAll(): void {
    this.#sheet = null;
    this.#repaint();
  }

  readonly paint: Painter = (placement) => {
    if (this.#sheet === null || !covers(this.#sheet, placement, this.#size)) this.#paintSheet(placement);
    else this.#paintDirty(this.#sheet, placement);
    this.#move(placement);
    return this.#frame;
  };

  #paintSheet(placement: Placement): void {
    const sheet = sheetFor(placement, this.#size);
    this.#sheet = sheet;
    this.#dirty = [];
    const things = this.#content.within(sheet.bounds);
    // An empty sheet would be laid over the picture all the same, at every step of a pan or zoom.
    this.#canvas.hidden = things.length === 0;
    if (things.length > 0) this.#content.paint(this.#cleared(sheet), things, sheet);
  }

  /**
   * The canvas grows and never shrinks, though not all of it may be used then: for one of another size the browser takes
   * fresh memory twice, and that is slower than any frame may be.
   */
  #cleared({ bounds, scale, ratio }: Sheet): CanvasRenderingContext2D {
    const wide = Math.max(this.#wide, Math.ceil((bounds.x1 - bounds.x0) * scale * ratio));
    const high = Math.max(this.#high, Math.ceil((bounds.y1 - bounds.y0) * scale * ratio));
    if (this.#wide !== wide || this.#high !== high) {
      [this.#wide, this.#high] = [wide, high];
      this.#canvas.width = wide;
      this.#canvas.height = high;
    }
    this.#canvas.style.width = `${wide / ratio}px`;
    this.#canvas.style.height = `${high / ratio}px`;
    const context = contextOf(this.#canvas);
    context.resetTransform();
    context.clearRect(0, 0, wide, high);
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    return context;
  }

  #paintDirty(sheet: Sheet, placement: Placement): void {
    if (this.#dirty.length === 0) return;
    if (this.#canvas.hidden) {
      // The first that comes to an empty sheet: nothing is painted there yet, perhaps not even cleared.
      this.#paintSheet(placement);
      return;
    }
    // Many places at once are one: painting the rest twice costs more than looking for the gaps between them.
    const merged = this.#dirty.length > 24 ? [this.#dirty.reduce(union)] : this.#dirty;
    this.#dirty = [];
    const context = contextOf(this.#canvas);
    for (const bounds of merged) this.#paintPart(context, sheet, bounds);
  }

  #paintPart(context: CanvasRenderingContext2D, sheet: Sheet, bounds: Bounds): void {
    const { left, top, scale } = sheet;
    // Whole screen pixels, so that no faint edge is left; all that may have painted there is painted again.
    const x0 = Math.floor((bounds.x0 - left) * scale) - REACH.side;
    const y0 = Math.floor((bounds.y0 - top) * scale) - REACH.above;
    const x1 = Math.ceil((bounds.x1 - left) * scale) + REACH.side;
    const y1 = Math.ceil((bounds.y1 - top) * scale) + REACH.below;
    context.save();
    context.beginPath();
    context.rect(x0, y0, x1 - x0, y1 - y0);
    context.clip();
    context.clearRect(x0, y0, x1 - x0, y1 - y0);
    const within = {
      x0: left + (x0 - REACH.side) / scale,
      y0: top + (y0 - REACH.below) / scale,
      x1: left + (x1 + REACH.side) / scale,
      y1: top + (y1 + REACH.above) / scale,
    };
    this.#content.paint(context, this.#content.within(within), sheet);
    context.restore();
  }

  #move({ left, top, scale }: Placement): void {
    if (this.#sheet === null) return;
    const grown = scale / this.#sheet.scale;
    const x = (this.#sheet.left - left) * scale;
    const y = (this.#sheet.top - top) * scale;
    this.#canvas.style.transform = `translate(${x}px, ${y}px) scale(${grown})`;
  }
}

/** Whether the sheet can be shown. For the moment of a zoom it is shown at another scale, though something is missing. */
function covers(sheet: Sheet, placement: Placement, size: { readonly width: number; readonly height: number }): boolean {
  const { left, top, width, height, scale, ratio, isMoving } = placement;
  if (sheet.ratio !== ratio) return false;
  if (Math.abs(sheet.scale / scale - 1) > 1e-9) return isMoving && scale < sheet.scale * BLURRED;
  const { x0, y0, x1, y1 } = sheet.bounds;
  const isWide = (x0 <= left || x0 <= 0) && (x1 >= left + width / scale || x1 >= size.width);
  const isHigh = (y0 <= top || y0 <= 0) && (y1 >= top + height / scale || y1 >= size.height);
  return isWide && isHigh;
}

function sheetFor(placement: Placement, size: { readonly width: number; readonly height: number }): Sheet {
  const { left, top, width, height, scale, ratio } = placement;
  const [wide, high] = [width / scale, height / scale];
  const margin = Math.max(0, Math.min(MARGIN, (LARGEST / ratio / Math.max(width, height) - 1) / 2));
  const edge = 80 / scale;
  const x0 = Math.max(left - wide * margin, -edge);
  const y0 = Math.max(top - high * margin, -edge);
  const bounds = {
    x0,
    y0,
    x1: Math.max(x0, Math.min(left + wide * (1 + margin), size.width + edge)),
    y1: Math.max(y0, Math.min(top + high * (1 + margin), size.height + edge)),
  };
  return { left: x0, top: y0, scale, ratio, bounds };
}

function union(one: Bounds, other: Bounds): Bounds {
  return {
    x0: Math.min(one.x0, other.x0),
    y0: Math.min(one.y0, other.y0),
    x1: Math.max(one.x1, other.x1),
    y1: Math.max(one.y1, other.y1),
  };
}
