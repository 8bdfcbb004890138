/** Takes the tremble of a hand out of an outline. */

import type { Ring } from "./polygon";
import { area, centroid, corners, simplified } from "./polygon";

const FEWEST = 24;
const MOST = 240;
/** How far a corner is drawn to its neighbours, as a share of the way round. */
const REACH = 1 / 48;

/**
 * The ring walked in even steps, each place drawn to a Gaussian mean of its neighbours, then grown back to the area it
 * had, for a mean shrinks whatever is round. Corners that add nothing are left out.
 */
export function smoothed(ring: Ring): number[] {
  const { places, step, length } = evenly(ring);
  const sigma = (length * REACH) / step;
  const reach = Math.ceil(3 * sigma);
  const weights = Array.from({ length: 2 * reach + 1 }, (_, at) => Math.exp(-((at - reach) ** 2) / (2 * sigma ** 2)));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const count = places.length;
  const mean = places.flatMap((_, index) => {
    let [x, y] = [0, 0];
    for (const [at, weight] of weights.entries()) {
      const [px, py] = places[(index + at - reach + count * reach) % count] ?? [0, 0];
      x += weight * px;
      y += weight * py;
    }
    return [x / total, y / total];
  });
  const middle = centroid(mean);
  const grown = Math.sqrt(area(ring) / Math.max(area(mean), Number.MIN_VALUE));
  const back = mean.map((value, index) => (index % 2 ? middle.y : middle.x) + (value - (index % 2 ? middle.y : middle.x)) * grown);
  return simplified(back, Math.min(0.25, length / 500));
}

/** Places at even distances along the ring. */
function evenly(ring: Ring): { readonly places: [number, number][]; readonly step: number; readonly length: number } {
  const points = corners(ring);
  const lengths = points.map((point, index) => {
    const next = points[(index + 1) % points.length] ?? point;
    return Math.hypot(next.x - point.x, next.y - point.y);
  });
  const length = lengths.reduce((sum, one) => sum + one, 0);
  const count = Math.min(MOST, Math.max(FEWEST, Math.round(length / 2)));
  const step = length / count;
  const places: [number, number][] = [];
  let walked = 0;
  for (const [index, point] of points.entries()) {
    const [next, edge] = [points[(index + 1) % points.length] ?? point, lengths[index] ?? 0];
    while (places.length < count && places.length * step < walked + edge) {
      const share = (places.length * step - walked) / edge;
      places.push([point.x + share * (next.x - point.x), point.y + share * (next.y - point.y)]);
    }
    walked += edge;
  }
  return { places, step, length };
}
