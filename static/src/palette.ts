/**
 * Colours for eyes that tell red and green apart badly: each lineage gets a hue that is told apart by them too, each
 * class of it a lightness and the lineage a line. The ontology's own colours stay as they are stored.
 */

import type { CellClass, Line } from "./types";

/** Hues of Okabe and Ito (2008) and lines; two lineages that are alike in the one differ in the other. */
const LINEAGES: Readonly<Record<string, readonly [string, Line]>> = {
  blast: ["#D55E00", "dashed"],
  granulocytic: ["#56B4E9", "solid"],
  mast: ["#0072B2", "dotted"],
  monocytic: ["#F0E442", "dashed"],
  lymphoid: ["#009E73", "solid"],
  plasma: ["#0072B2", "dashed"],
  erythroid: ["#E69F00", "solid"],
  megakaryocytic: ["#F0E442", "solid"],
  other: ["#009E73", "dotted"],
};
const REST = ["#FFFFFF", "dotted"] as const;
/** From the darkest class of a lineage to its lightest, as shares of white or black that are mixed in. */
const RANGE = 0.32;

export function forColourBlind(classes: readonly CellClass[]): CellClass[] {
  return classes.map((one) => {
    if (one.kind !== "cell") return one;
    const [colour, line] = LINEAGES[one.lineage] ?? REST;
    const family = classes.filter((other) => other.lineage === one.lineage && other.kind === "cell");
    const place = family.length > 1 ? (2 * family.indexOf(one)) / (family.length - 1) - 1 : 0;
    return { ...one, colour: mixed(colour, place * RANGE), line };
  });
}

/** Above 0 with so much white, below with so much black. */
function mixed(colour: string, by: number): string {
  const towards = by > 0 ? 255 : 0;
  const channels = [1, 3, 5].map((from) => {
    const value = Number.parseInt(colour.slice(from, from + 2), 16);
    return Math.round(value + (towards - value) * Math.abs(by));
  });
  return `#${channels.map((value) => value.toString(16).padStart(2, "0")).join("").toUpperCase()}`;
}

/** How a colour looks to an eye without red (protan) or green (deutan) cones: Machado, Oliveira and Fernandes (2009), full. */
export function simulated(colour: string, kind: "protan" | "deutan"): [number, number, number] {
  const matrix = kind === "protan" ? PROTAN : DEUTAN;
  const linear = [1, 3, 5].map((from) => {
    const value = Number.parseInt(colour.slice(from, from + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return matrix.map((row) => Math.min(1, Math.max(0, row.reduce((sum, part, at) => sum + part * (linear[at] ?? 0), 0)))) as [number, number, number];
}

const PROTAN = [
  [0.152286, 1.052583, -0.204868],
  [0.114503, 0.786281, 0.099216],
  [-0.003882, -0.048116, 1.051998],
] as const;
const DEUTAN = [
  [0.367322, 0.860646, -0.227968],
  [0.280085, 0.672501, 0.047413],
  [-0.01182, 0.04294, 0.968881],
] as const;

/** How far two colours of `simulated` are apart in CIELAB (D65, 1976): about 2 is just seen, 10 at a glance. */
export function apart(one: readonly number[], other: readonly number[]): number {
  const [a, b] = [labOf(one), labOf(other)];
  return Math.hypot(...a.map((value, at) => value - (b[at] ?? 0)));
}

function labOf([red = 0, green = 0, blue = 0]: readonly number[]): number[] {
  const [x, y, z] = [
    (0.4124 * red + 0.3576 * green + 0.1805 * blue) / 0.9505,
    0.2126 * red + 0.7152 * green + 0.0722 * blue,
    (0.0193 * red + 0.1192 * green + 0.9505 * blue) / 1.089,
  ].map((value) => (value > 0.008856 ? Math.cbrt(value) : 7.787 * value + 16 / 116)) as [number, number, number];
  return [116 * y - 16, 500 * (x - y), 200 * (y - z)];
}
