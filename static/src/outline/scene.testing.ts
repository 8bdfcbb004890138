/** Made pictures of cells, whose borders are known. */

import { contains } from "../geometry/polygon";
import { imagePoint } from "../geometry/points";
import type { Picture } from "./picture";

export type Colour = readonly [number, number, number];

export const GROUND: Colour = [244, 232, 220];
export const CYTOPLASM: Colour = [188, 180, 214];
export const NUCLEUS: Colour = [96, 50, 130];
export const RED_CELL: Colour = [222, 184, 184];

export interface Disc {
  readonly x: number;
  readonly y: number;
  readonly r: number;
  readonly colour: Colour;
}

/** Discs painted one over the other on `ground`, with noise of `noise` grey levels that is the same each time. */
export function scene(width: number, height: number, discs: readonly Disc[], { noise = 6, ground = GROUND } = {}): Picture {
  const data = new Uint8ClampedArray(4 * width * height);
  const random = lcg(7);
  for (let index = 0; index < width * height; index++) {
    const [x, y] = [(index % width) + 0.5, Math.floor(index / width) + 0.5];
    let colour = ground;
    for (const disc of discs) if ((x - disc.x) ** 2 + (y - disc.y) ** 2 < disc.r ** 2) colour = disc.colour;
    for (let plane = 0; plane < 3; plane++) data[4 * index + plane] = (colour[plane] ?? 0) + noise * (random() + random() - 1);
    data[4 * index + 3] = 255;
  }
  return { width, height, data };
}

/** A cell with a nucleus out of its middle. */
export function cellAt(x: number, y: number, r: number): Disc[] {
  return [
    { x, y, r, colour: CYTOPLASM },
    { x: x + 0.25 * r, y: y - 0.2 * r, r: 0.55 * r, colour: NUCLEUS },
  ];
}

/** Share of the union of a contour and a disc that both hold, on a grid of places in the picture. */
export function iou(points: readonly number[], disc: { readonly x: number; readonly y: number; readonly r: number }, { width, height }: Picture): number {
  let [both, either] = [0, 0];
  const step = Math.max(width, height) / 100;
  for (let y = step / 2; y < height; y += step) {
    for (let x = step / 2; x < width; x += step) {
      const one = contains(points, imagePoint(x, y));
      const other = Math.hypot(x - disc.x, y - disc.y) < disc.r;
      both += Number(one && other);
      either += Number(one || other);
    }
  }
  return both / either;
}

/** Numbers from 0 to 1 that look like chance and are the same each time. */
export function lcg(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}
