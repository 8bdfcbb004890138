/** What it costs to let the border of a cell cross a ray at a place, for rays from the middle of a frame. */

import { REACH, SIDE, UNIT } from "./picture";
import type { Settings } from "./settings";

/** The radius of a place on a ray. */
export function radiusAt(place: number, { reach: [nearest, farthest], radii }: Settings): number {
  return nearest + (place * (farthest - nearest)) / (radii - 1);
}

/**
 * Costs, `angles` rows of `radii` places: low where the evidence up to the place says cell and beyond it surroundings,
 * where it changes at the place, and near the expected radius.
 */
export function costsOf(evidence: Float32Array, settings: Settings): Float32Array {
  const { angles, radii } = settings;
  const step = (radiusAt(1, settings) - radiusAt(0, settings)) * UNIT;
  const span = Math.max(1, Math.round(settings.span / step));
  const costs = new Float32Array(angles * radii);
  // One ray's evidence, `span` places longer at both ends, and how likely each place is to belong to the cell.
  const line = new Float32Array(radii + 2 * span);
  const share = new Float32Array(line.length);
  for (let angle = 0; angle < angles; angle++) {
    const turn = (2 * Math.PI * angle) / angles;
    for (let place = 0; place < line.length; place++) {
      const radius = radiusAt(place - span, settings) * UNIT;
      line[place] = blend(evidence, radius * Math.cos(turn), radius * Math.sin(turn));
      share[place] = 1 / (1 + Math.exp(-(line[place] ?? 0)));
    }
    let gathered = 0;
    for (let place = 0; place < radii; place++) {
      let edge = 0;
      for (let away = 0; away < span; away++) edge += (share[place + span - 1 - away] ?? 0) - (share[place + span + away] ?? 0);
      const unexpected = (radiusAt(place, settings) - settings.expected) / settings.spread;
      costs[angle * radii + place] =
        -settings.region * gathered - (settings.edge * edge) / span + 0.5 * settings.prior * unexpected ** 2;
      gathered += (line[place + span] ?? 0) * step;
    }
  }
  return costs;
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
