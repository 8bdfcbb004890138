/**
 * The contour of a cell from a circle or box round it.
 *
 * A closed path by dynamic programming in polar coordinates: mixtures of normal distributions tell the colours inside
 * the circle from those round it (CIELAB), each ray from the middle is cut where what lies before the cut looks like the
 * cell and what follows does not, and neighbouring rays are cut at much the same radius. Nothing of it was trained:
 * every cell brings its own colours, so an unknown stain is no special case. docs/explanation/outline.md tells what
 * else was tried and what it measured.
 */

import { labOf } from "./colour";
import { learned } from "./evidence";
import { closedPath } from "./path";
import type { Ellipse, Picture } from "./picture";
import { frameOf, SIDE, UNIT } from "./picture";
import { costsOf, radiusAt } from "./rays";
import type { Settings } from "./settings";
import { SETTINGS } from "./settings";
import { smoothed } from "./smooth";

/** The colour of an eye's just noticeable difference, several times: what has less contrast has no border to be found. */
const FAINTEST = 4;

/** A contour as x, y, x, y, ... in pixels of the picture, not closed; or why there is none, in plain words. */
export type Outcome = { readonly points: number[]; readonly fault: null } | { readonly points: null; readonly fault: string };

export function outlineOf(picture: Picture, ellipse: Ellipse, settings: Settings = SETTINGS): Outcome {
  const frame = frameOf(picture, ellipse);
  const lab = smoothed(labOf(frame.rgb, SIDE * SIDE), settings.smooth);
  if (contrast(lab, frame.known) < FAINTEST) {
    return failed("Nothing in the picture stands out there. Draw the contour by hand, or take the shrunk circle.");
  }
  const [from, to] = settings.ring;
  let radii: Float32Array | null = null;
  for (let fit = 0; fit <= settings.refits; fit++) {
    const found: Float32Array | null = radii;
    const depth = (x: number, y: number): number => Math.hypot(x, y) / UNIT / (found === null ? 1 : between(found, x, y));
    const evidence = learned(
      lab,
      frame.known,
      (x, y) => depth(x, y) < (found === null ? settings.core : 0.95),
      (x, y) => Math.hypot(x, y) < to * UNIT && depth(x, y) > (found === null ? from : 1.08),
      settings,
    );
    if (evidence === null) return failed("Too little of the picture is seen round it. Draw the contour by hand.");
    const path = closedPath(costsOf(lab, evidence, settings), settings.angles, settings.radii, settings.stiffness, settings.step);
    radii = Float32Array.from(path, (place) => radiusAt(place, settings));
  }
  return { points: pointsOf(radii ?? new Float32Array(0), picture, ellipse), fault: null };
}

function failed(fault: string): Outcome {
  return { points: null, fault };
}

/** The radius of a closed path in the direction of a place. */
function between(radii: Float32Array, x: number, y: number): number {
  const turn = ((Math.atan2(y, x) / (2 * Math.PI) + 1) * radii.length) % radii.length;
  const before = Math.floor(turn);
  const along = turn - before;
  return (1 - along) * (radii[before % radii.length] ?? 1) + along * (radii[(before + 1) % radii.length] ?? 1);
}

/** Standard deviation of what is known of a frame, over the three axes of CIELAB. */
function contrast(lab: Float32Array, known: Uint8Array): number {
  let variance = 0;
  for (let plane = 0; plane < 3; plane++) {
    let [count, sum, squares] = [0, 0, 0];
    for (let index = 0; index < known.length; index++) {
      if (!known[index]) continue;
      const value = lab[plane * known.length + index] ?? 0;
      count++;
      sum += value;
      squares += value * value;
    }
    if (count > 0) variance += squares / count - (sum / count) ** 2;
  }
  return Math.sqrt(Math.max(0, variance));
}

/** Corners in pixels of the picture; beyond its border they move along their ray to it, so that the path stays a star. */
function pointsOf(radii: Float32Array, { width, height }: Picture, { x, y, rx, ry }: Ellipse): number[] {
  const points: number[] = [];
  radii.forEach((radius, angle) => {
    const turn = (2 * Math.PI * angle) / radii.length;
    const [right, down] = [radius * rx * Math.cos(turn), radius * ry * Math.sin(turn)];
    const share = Math.min(1, room(x, right, width), room(y, down, height));
    const [across, along] = [within(x + share * right, width), within(y + share * down, height)];
    // From a middle on the border several rays end where they begin.
    if (across !== points.at(-2) || along !== points.at(-1)) points.push(across, along);
  });
  return points;
}

/** Rounding may leave a border by the last digit. */
function within(value: number, size: number): number {
  return Math.min(size, Math.max(0, value));
}

/** The share of a step along one axis that stays between 0 and `size`. */
function room(from: number, step: number, size: number): number {
  if (step === 0) return 1;
  return Math.max(0, ((step > 0 ? size : 0) - from) / step);
}
