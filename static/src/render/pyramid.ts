/** A picture in levels of half the size each, cut into square tiles: from the server for a large one, else from copies. */

import { contextOf } from "./picture";

export interface TilesInfo {
  readonly address: string;
  readonly version: string;
  readonly size: number;
  readonly levels: number;
}

export interface Tile {
  readonly level: number;
  readonly column: number;
  readonly row: number;
}

export interface Size {
  readonly width: number;
  readonly height: number;
}

export interface Pyramid {
  readonly tileSize: number;
  readonly levels: number;
  sizeOf(level: number): Size;
  /** null until it is there. */
  tile(tile: Tile): CanvasImageSource | null;
}

export const keyOf = ({ level, column, row }: Tile): string => `${level}/${column}-${row}`;

/** Width and height of a tile: those at the right and lower edge are smaller. */
export function sizeOfTile(pyramid: Pyramid, { level, column, row }: Tile): Size {
  const { width, height } = pyramid.sizeOf(level);
  const { tileSize } = pyramid;
  return { width: Math.min(tileSize, width - column * tileSize), height: Math.min(tileSize, height - row * tileSize) };
}

/** Large pictures: tiles come from the server when they are first looked at. */
export class ServedPyramid implements Pyramid {
  readonly tileSize: number;
  readonly levels: number;
  readonly #info: TilesInfo;
  readonly #sizes: readonly Size[];
  readonly #repaint: () => void;
  readonly #tiles = new Map<string, HTMLImageElement>();
  /** Loaded tiles beyond this are let go; the browser keeps their files. */
  readonly #most = 256;

  constructor(info: TilesInfo, size: Size, repaint: () => void) {
    this.#info = info;
    this.tileSize = info.size;
    this.levels = info.levels;
    this.#repaint = repaint;
    const sizes = [size];
    for (let level = 1; level < info.levels; level++) {
      const { width, height } = sizes[level - 1] ?? size;
      sizes.push({ width: Math.ceil(width / 2), height: Math.ceil(height / 2) });
    }
    this.#sizes = sizes;
  }

  /** Resolves when the smallest level is there; throws when it cannot be loaded. */
  async load(): Promise<void> {
    const level = this.levels - 1;
    const { width, height } = this.sizeOf(level);
    const waiting: Promise<void>[] = [];
    for (let row = 0; row * this.tileSize < height; row++) {
      for (let column = 0; column * this.tileSize < width; column++) waiting.push(this.#ask({ level, column, row }).decode());
    }
    await Promise.all(waiting);
  }

  sizeOf(level: number): Size {
    return this.#sizes[level] ?? { width: 0, height: 0 };
  }

  tile(tile: Tile): HTMLImageElement | null {
    const image = this.#ask(tile);
    return image.complete && image.naturalWidth > 0 ? image : null;
  }

  #ask(tile: Tile): HTMLImageElement {
    const key = keyOf(tile);
    const known = this.#tiles.get(key);
    if (known) {
      this.#tiles.delete(key);
      this.#tiles.set(key, known);
      return known;
    }
    const image = new Image();
    image.decoding = "async";
    image.addEventListener("load", this.#repaint);
    image.addEventListener("error", () => {
      // Asked again a while later: the server may be away for a moment.
      setTimeout(() => this.#tiles.delete(key), 3000);
    });
    image.src = `${this.#info.address}${key}.png?v=${this.#info.version}`;
    this.#tiles.set(key, image);
    for (const [old, { complete }] of this.#tiles) {
      if (this.#tiles.size <= this.#most) break;
      if (complete && !old.startsWith(`${this.levels - 1}/`)) this.#tiles.delete(old);
    }
    return image;
  }
}

/** A picture that is there in one piece, with its halved copies: cut only where it has to be. */
export class CopiedPyramid implements Pyramid {
  readonly tileSize = 512;
  readonly #copies: readonly { readonly source: CanvasImageSource; readonly size: Size }[];

  constructor(copies: readonly { readonly source: CanvasImageSource; readonly size: Size }[]) {
    this.#copies = copies;
  }

  get levels(): number {
    return this.#copies.length;
  }

  sizeOf(level: number): Size {
    return this.#copies[level]?.size ?? { width: 0, height: 0 };
  }

  tile(tile: Tile): HTMLCanvasElement | null {
    const copy = this.#copies[tile.level];
    if (copy === undefined) return null;
    const { width, height } = sizeOfTile(this, tile);
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [width, height];
    contextOf(canvas).drawImage(copy.source, -tile.column * this.tileSize, -tile.row * this.tileSize);
    return canvas;
  }
}
