/** The numbers of the method. Lengths are shares of the circle's radius unless another unit is named. */

export const SETTINGS = {
  /** Where a first guess takes the colours of the cell (nearer than `core`) and of what lies round it (the ring). */
  core: 0.8,
  ring: [1.06, 1.38] as readonly [number, number],
  /** Normal distributions for the colours of either side, and what is added to their variances (CIELAB, squared). */
  parts: 3,
  floor: 9,
  /** Colours that a mixture is fitted to, at most. */
  colours: 700,
  /** How often the colours are fitted anew to the contour that was found. */
  refits: 1,
  /** Sigma by which the picture is smoothed first, in pixels of the frame. */
  smooth: 0.7,
  /** Rays, places on each, and the nearest and the farthest place. */
  angles: 96,
  radii: 64,
  reach: [0.4, 1.1] as readonly [number, number],
  /** What a unit of evidence for a side is worth (a pixel of the frame), and the most that one pixel may say. */
  region: 0.15,
  evidence: 4,
  /** What a clean edge is worth, and how far to either side of it is looked, in pixels of the frame. */
  edge: 3,
  span: 3,
  /** What the clearest change of colour is worth, and how far to either side it is looked for. */
  change: 4,
  changeSpan: 1.2,
  /** Where the border of a cell is expected, by what simulated circles leave free; how sure, and what that is worth. */
  expected: 0.9,
  spread: 0.09,
  prior: 1,
  /** What a squared step from ray to ray costs, and the largest step. */
  stiffness: 0.3,
  step: 4,
};

export type Settings = typeof SETTINGS;
