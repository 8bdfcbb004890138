/** The grid by which a field is screened: which tile one is on, which were looked at, which comes next. Pure. */

import type { Bounds, ImagePoint } from "./geometry/points";

/** A tile has so many µm a side; so many pixels where the scale is unknown. */
const SIDE_UM = 80;
const SIDE_PX = 1000;
const LEAST_PX = 400;
const MOST_PX = 1600;
/** A cell of 12 µm must have so many screen pixels, or nothing can be told of it. */
const READABLE_PX = 20;
const READABLE_SCALE = 0.4;

export interface Grid {
  readonly columns: number;
  readonly rows: number;
  readonly tiles: readonly Bounds[];
}

export function gridOf(field: { readonly width: number; readonly height: number; readonly um_per_px: number | null }): Grid {
  const wanted = field.um_per_px === null ? SIDE_PX : SIDE_UM / field.um_per_px;
  const side = Math.min(MOST_PX, Math.max(LEAST_PX, wanted));
  const [columns, rows] = [Math.max(1, Math.round(field.width / side)), Math.max(1, Math.round(field.height / side))];
  const [width, height] = [field.width / columns, field.height / rows];
  const tiles = Array.from({ length: columns * rows }, (_, at) => {
    const [x, y] = [at % columns, Math.floor(at / columns)];
    return { x0: x * width, y0: y * height, x1: (x + 1) * width, y1: (y + 1) * height };
  });
  return { columns, rows, tiles };
}

/** From left to right and back again, as a stage is moved: neighbours follow each other. */
export function pathOf({ columns, rows }: Grid): number[] {
  return Array.from({ length: rows }, (_, row) => {
    const line = Array.from({ length: columns }, (_, column) => row * columns + column);
    return row % 2 ? line.reverse() : line;
  }).flat();
}

export function tileAt(grid: Grid, { x, y }: ImagePoint): number {
  const found = grid.tiles.findIndex((tile) => x >= tile.x0 && x < tile.x1 && y >= tile.y0 && y < tile.y1);
  return Math.max(0, found);
}

/** The next tile on the way that was not looked at, round the whole field; null when all were. */
export function nextTile(grid: Grid, seen: ReadonlySet<number>, from: number, by: 1 | -1): number | null {
  const path = pathOf(grid);
  const start = path.indexOf(from);
  for (let step = 1; step <= path.length; step++) {
    const tile = path[(start + by * step + path.length * 2) % path.length];
    if (tile !== undefined && !seen.has(tile)) return tile;
  }
  return null;
}

/** The tiles that lie in the window (all but a thin rim) at a scale at which cells can be told. */
export function tilesIn(grid: Grid, window: Bounds, scale: number, umPerPx: number | null): number[] {
  const needed = umPerPx === null ? READABLE_SCALE : (READABLE_PX * umPerPx) / 12;
  return grid.tiles.flatMap((tile, at) => {
    const [width, height] = [tile.x1 - tile.x0, tile.y1 - tile.y0];
    // In a window that shows no tile at that scale, a whole tile is as close as one can come.
    const fits = Math.min((window.x1 - window.x0) / width, (window.y1 - window.y0) / height) * scale;
    if (scale < Math.min(needed, fits * 0.8)) return [];
    const rim = 0.04;
    const isInside =
      tile.x0 + width * rim >= window.x0 && tile.x1 - width * rim <= window.x1 && tile.y0 + height * rim >= window.y0 && tile.y1 - height * rim <= window.y1;
    return isInside ? [at] : [];
  });
}

export function written(seen: ReadonlySet<number>): string {
  return [...seen].sort((one, other) => one - other).join(",");
}

export function readSeen(text: string | null, grid: Grid): Set<number> {
  const numbers = (text ?? "").split(",").filter(Boolean).map(Number);
  return new Set(numbers.filter((at) => Number.isInteger(at) && at >= 0 && at < grid.tiles.length));
}
