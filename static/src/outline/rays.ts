/** What it costs to let the border of a cell cross a ray at a place, for rays from the middle of a frame. */

import { REACH, SIDE, UNIT } from "./picture";
import type { Settings } from "./settings";

/** The share of all places that change less than what counts as clearest. */
const CLEAR = 0.95;

/** The radius of a place on a ray. */
export function radiusAt(place: number, { reach: [nearest, farthest], radii }: Settings): number {
  return nearest + (place * (farthest - nearest)) / (radii - 1);
}

/**
 * Costs, `angles` rows of `radii` places: low where the evidence up to the place says cell and beyond it surroundings,
 * where it changes at the place, where the colour does, and near the expected radius.
 */
export function costsOf(lab: Float32Array, evidence: Float32Array, settings: Settings): Float32Array {
  const { angles, radii } = settings;
  const costs = new Float32Array(angles * radii);
  const changes = new Float32Array(angles * radii);
  for (let angle = 0; angle < angles; angle++) {
    const turn = (2 * Math.PI * angle) / angles;
    const row = angle * radii;
    costs.set(costsOfRay(evidence, turn, settings), row);
    changes.set(changesOfRay(lab, turn, settings), row);
  }
  // The clearest changes are worth the same in a pale picture as in a strong one.
  const clearest = 1 + (changes.toSorted()[Math.floor(CLEAR * changes.length)] ?? 0);
  for (let place = 0; place < costs.length; place++) {
    costs[place] = (costs[place] ?? 0) - settings.change * Math.min(1, (changes[place] ?? 0) / clearest);
  }
  return costs;
}

/** The costs of one ray, but for what changes of colour are worth. */
function costsOfRay(evidence: Float32Array, turn: number, settings: Settings): Float32Array {
  const [step, span] = pixels(settings.span, settings);
  const line = along(evidence, turn, span, settings);
  const share = line.map((value) => 1 / (1 + Math.exp(-value)));
  const costs = new Float32Array(settings.radii);
  let gathered = 0;
  for (let place = 0; place < costs.length; place++) {
    const edge = difference(share, place, span);
    const unexpected = (radiusAt(place, settings) - settings.expected) / settings.spread;
    costs[place] = -settings.region * gathered + settings.edge * edge + 0.5 * settings.prior * unexpected ** 2;
    gathered += (line[place + span] ?? 0) * step;
  }
  return costs;
}

/** By how much the colour differs before and behind each place of a ray, in CIELAB. */
function changesOfRay(lab: Float32Array, turn: number, settings: Settings): Float32Array {
  const [, span] = pixels(settings.changeSpan, settings);
  const changes = new Float32Array(settings.radii);
  for (let plane = 0; plane < 3; plane++) {
    const line = along(lab.subarray(plane * SIDE * SIDE, (plane + 1) * SIDE * SIDE), turn, span, settings);
    for (let place = 0; place < changes.length; place++) changes[place] = (changes[place] ?? 0) + difference(line, place, span) ** 2;
  }
  return changes.map(Math.sqrt);
}

/** The pixels of the frame from place to place, and how many places are nearest to so many pixels. */
function pixels(span: number, settings: Settings): readonly [number, number] {
  const step = (radiusAt(1, settings) - radiusAt(0, settings)) * UNIT;
  return [step, Math.max(1, Math.round(span / step))];
}

/** The values on a ray, `more` places longer at both ends. */
function along(plane: Float32Array, turn: number, more: number, settings: Settings): Float32Array {
  const [right, down] = [Math.cos(turn) * UNIT, Math.sin(turn) * UNIT];
  return Float32Array.from({ length: settings.radii + 2 * more }, (_, place) => {
    const radius = radiusAt(place - more, settings);
    return blend(plane, radius * right, radius * down);
  });
}

/** The mean of the `span` values from a place on, less that of the `span` before it; the line is `span` longer at both ends. */
function difference(line: Float32Array, place: number, span: number): number {
  let sum = 0;
  for (let away = 0; away < span; away++) sum += (line[place + span + away] ?? 0) - (line[place + span - 1 - away] ?? 0);
  return sum / span;
}

/** The value at a place of a plane, in pixels from the middle of the frame, blended from the four pixels round it. */
function blend(plane: Float32Array, x: number, y: number): number {
  const column = Math.min(SIDE - 1.001, Math.max(0, x + REACH - 0.5));
  const row = Math.min(SIDE - 1.001, Math.max(0, y + REACH - 0.5));
  const [left, top] = [Math.floor(column), Math.floor(row)];
  const [right, down] = [column - left, row - top];
  const at = top * SIDE + left;
  const above = (1 - right) * (plane[at] ?? 0) + right * (plane[at + 1] ?? 0);
  const below = (1 - right) * (plane[at + SIDE] ?? 0) + right * (plane[at + SIDE + 1] ?? 0);
  return (1 - down) * above + down * below;
}
