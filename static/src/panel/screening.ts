/** The screening grid: a small map of the tiles beside the field, and their borders on it. */

import type { Bounds } from "../geometry/points";
import { prefer, preference } from "../page";
import { contextOf, sized } from "../render/picture";
import type { Grid } from "../screening";
import { gridOf, nextTile, pathOf, readSeen, tileAt, tilesIn, written } from "../screening";
import type { Placement, Viewport } from "../viewport";
import { byId, h } from "./dom";

/** Looked at for less, nothing was seen. */
const DWELL_MS = 500;
const SHOWN = "screening";
/** Over picture, predictions, cells and what is selected. */
const ON_TOP = 10;

interface Field {
  readonly width: number;
  readonly height: number;
  readonly um_per_px: number | null;
}

export class ScreeningPanel {
  readonly #viewport: Viewport;
  readonly #field: Field;
  readonly #grid: Grid;
  readonly #kept: string;
  readonly #seen: Set<number>;
  readonly #say: (message: string) => void;
  readonly #box = byId("screening", HTMLElement);
  readonly #words = byId("screening-words", HTMLElement);
  readonly #cells: HTMLElement[];
  readonly #canvas = document.createElement("canvas");
  #isShown = preference(SHOWN) === "yes";
  #hasPicture = false;
  #timer = 0;

  /** `kept`: under which name this browser remembers what was seen: that of the reading. */
  constructor(viewport: Viewport, field: Field, kept: string, say: (message: string) => void) {
    this.#viewport = viewport;
    this.#field = field;
    this.#say = say;
    this.#grid = gridOf(field);
    this.#kept = `seen:${kept}`;
    this.#seen = readSeen(preference(this.#kept), this.#grid);
    this.#cells = this.#grid.tiles.map((tile, at) => this.#cellOf(tile, at));
    const map = byId("screening-map", HTMLElement);
    map.style.gridTemplateColumns = `repeat(${this.#grid.columns}, 1fr)`;
    map.replaceChildren(...this.#cells);
    this.#canvas.className = "bench-layer";
    viewport.addPainter((placement) => this.#paint(placement), ON_TOP);
    viewport.onMove(() => {
      this.#follow();
    });
    this.#show();
    this.#follow();
  }

  /** The picture is there: from now on tiles are seen. */
  start(): void {
    this.#hasPicture = true;
    this.#follow();
  }

  /** How many tiles were never looked at. */
  get unseen(): number {
    return this.#grid.tiles.length - this.#seen.size;
  }

  get count(): number {
    return this.#grid.tiles.length;
  }

  toggle(): void {
    this.#isShown = !this.#isShown;
    prefer(SHOWN, this.#isShown ? "yes" : "no");
    this.#show();
    this.#viewport.repaint();
  }

  /** To the next tile that was not looked at, and close enough to tell cells. */
  walk(by: 1 | -1): void {
    if (!this.#isShown) this.toggle();
    this.#markWindow();
    // The first walk begins in the first corner, wherever the window stands.
    const from = this.#seen.size === 0 && by > 0 ? (pathOf(this.#grid).at(-1) ?? 0) : this.#current();
    const next = nextTile(this.#grid, this.#seen, from, by);
    const tile = next === null ? undefined : this.#grid.tiles[next];
    if (tile === undefined) this.#say("Every tile was looked at.");
    else this.#viewport.frame(tile);
  }

  #cellOf(tile: Bounds, at: number): HTMLElement {
    const cell = h("button", { type: "button", tabindex: -1, "aria-label": `Go to tile ${at + 1}` });
    cell.addEventListener("click", () => {
      this.#viewport.frame(tile);
    });
    return cell;
  }

  #current(): number {
    return tileAt(this.#grid, this.#viewport.centre());
  }

  #follow(): void {
    clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => {
      this.#markWindow();
    }, DWELL_MS);
    this.#show();
  }

  #markWindow(): void {
    if (!this.#hasPicture) return;
    const before = this.#seen.size;
    for (const at of tilesIn(this.#grid, this.#viewport.window(), this.#viewport.scale, this.#field.um_per_px)) this.#seen.add(at);
    if (this.#seen.size === before) return;
    prefer(this.#kept, written(this.#seen));
    this.#show();
    this.#viewport.repaint();
  }

  #show(): void {
    this.#box.hidden = !this.#isShown;
    if (!this.#isShown) return;
    const current = this.#current();
    this.#words.textContent = `Tile ${current + 1} of ${this.count} · ${this.#seen.size} seen`;
    this.#cells.forEach((cell, at) => {
      cell.dataset.seen = String(this.#seen.has(at));
      if (at === current) cell.setAttribute("aria-current", "true");
      else cell.removeAttribute("aria-current");
    });
  }

  /** Borders of the tiles; the one you are on has a full line, one that was seen a tick in its corner. */
  #paint(placement: Placement): HTMLElement {
    const context = this.#isShown ? sized(this.#canvas, placement) : contextOf(this.#canvas);
    context.setTransform(placement.ratio, 0, 0, placement.ratio, 0, 0);
    context.clearRect(0, 0, placement.width, placement.height);
    if (!this.#isShown) return this.#canvas;
    const current = this.#current();
    this.#grid.tiles.forEach((tile, at) => {
      const [x, y] = [(tile.x0 - placement.left) * placement.scale, (tile.y0 - placement.top) * placement.scale];
      const [width, height] = [(tile.x1 - tile.x0) * placement.scale, (tile.y1 - tile.y0) * placement.scale];
      if (x > placement.width || y > placement.height || x + width < 0 || y + height < 0) return;
      for (const [colour, line] of [["rgb(16 20 24 / 55%)", at === current ? 4 : 2.5], ["rgb(255 255 255 / 85%)", at === current ? 2 : 1]] as const) {
        context.setLineDash(at === current ? [] : [6, 6]);
        context.lineWidth = line;
        context.strokeStyle = colour;
        context.strokeRect(x + 1, y + 1, width - 2, height - 2);
      }
      if (this.#seen.has(at)) tick(context, x + 14, y + 16);
    });
    context.setLineDash([]);
    return this.#canvas;
  }
}

function tick(context: CanvasRenderingContext2D, x: number, y: number): void {
  context.setLineDash([]);
  for (const [colour, width] of [["rgb(16 20 24 / 75%)", 5], ["#ffffff", 2.5]] as const) {
    context.beginPath();
    context.moveTo(x - 5, y);
    context.lineTo(x - 1, y + 4);
    context.lineTo(x + 7, y - 6);
    context.lineWidth = width;
    context.strokeStyle = colour;
    context.stroke();
  }
}

