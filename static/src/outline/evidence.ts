/** How much each pixel of a frame looks like the cell, and how much like what lies round it. */

import type { Mixture } from "./mixture";
import { fitMixture, logDensity } from "./mixture";
import { REACH, SIDE, UNIT } from "./picture";
import type { Settings } from "./settings";

const COUNT = SIDE * SIDE;
/** Beyond this many radii no place of a ray lies. */
const FARTHEST = 1.25;

/** How far out a pixel lies: 0 in the middle, 1 on the border of what is known of the cell. */
export type Depth = (x: number, y: number) => number;

/** The colours (l, a, b after each other) of known pixels whose place is wanted, evenly chosen, at most `most`. */
export function coloursWhere(lab: Float32Array, known: Uint8Array, isWanted: (x: number, y: number) => boolean, most: number): Float32Array {
  const found: number[] = [];
  for (let index = 0; index < COUNT; index++) {
    if (known[index] && isWanted(xOf(index), yOf(index))) found.push(index);
  }
  const count = Math.min(most, found.length);
  const colours = new Float32Array(3 * count);
  for (let place = 0; place < count; place++) {
    const index = found[Math.floor((place * found.length) / count)] ?? 0;
    for (let plane = 0; plane < 3; plane++) colours[3 * place + plane] = lab[plane * COUNT + index] ?? 0;
  }
  return colours;
}

/** Log-likelihood ratio of cell against surroundings for each pixel, softly limited; 0 where nothing is known. */
export function evidenceOf(lab: Float32Array, known: Uint8Array, inside: Mixture, outside: Mixture, most: number): Float32Array {
  const evidence = new Float32Array(COUNT);
  for (let index = 0; index < COUNT; index++) {
    if (!known[index] || Math.hypot(xOf(index), yOf(index)) > FARTHEST * UNIT) continue;
    const [l, a, b] = [lab[index] ?? 0, lab[COUNT + index] ?? 0, lab[2 * COUNT + index] ?? 0];
    const ratio = logDensity(inside, l, a, b) - logDensity(outside, l, a, b);
    evidence[index] = most * Math.tanh(ratio / most);
  }
  return evidence;
}

/** Evidence from colours inside `depth` 1 and in the ring beyond it; null where too little of the ring is known. */
export function learned(
  lab: Float32Array,
  known: Uint8Array,
  isInside: (x: number, y: number) => boolean,
  isOutside: (x: number, y: number) => boolean,
  settings: Settings,
): Float32Array | null {
  const [inner, outer] = [isInside, isOutside].map((isWanted) => coloursWhere(lab, known, isWanted, settings.colours));
  if (inner === undefined || outer === undefined || Math.min(inner.length, outer.length) < 3 * FEWEST) return null;
  const inside = fitMixture(inner, settings.parts, settings.floor);
  const outside = fitMixture(outer, settings.parts, settings.floor);
  return evidenceOf(lab, known, inside, outside, settings.evidence);
}

const FEWEST = 60;

/** Pixels right of the middle of the frame, and below it. */
function xOf(index: number): number {
  return (index % SIDE) + 0.5 - REACH;
}

function yOf(index: number): number {
  return Math.floor(index / SIDE) + 0.5 - REACH;
}
