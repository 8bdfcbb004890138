/** Contours from circles and boxes: by the picture, or without looking at it. */

export { outlineOf, type Outcome } from "./outline";
export type { Ellipse, Picture } from "./picture";
export { SETTINGS, type Settings } from "./settings";
export { SHRINK, around, ellipseOf, shrunk, within } from "./start";
