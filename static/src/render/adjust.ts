/**
 * How a picture is looked at: brightness, contrast, gamma, white, and one stain alone. It changes what is shown, never
 * what is stored, exported or learned from. Pure: pixels in, pixels out.
 */

export type Stain = "none" | "hematoxylin" | "eosin" | "residual";

export interface Adjustments {
  /** -100 to 100; 0 leaves it. */
  readonly brightness: number;
  /** -100 to 100; 0 leaves it. */
  readonly contrast: number;
  /** 1 leaves it; above 1 shows dark parts lighter. */
  readonly gamma: number;
  /** The colour that is to be white, or null. */
  readonly white: readonly [number, number, number] | null;
  readonly stain: Stain;
}

export const PLAIN: Adjustments = { brightness: 0, contrast: 0, gamma: 1, white: null, stain: "none" };

export function isPlain(one: Adjustments): boolean {
  return JSON.stringify(one) === JSON.stringify(PLAIN);
}

/** Optical densities of haematoxylin, eosin and DAB (Ruifrok and Johnston 2001), as scikit-image's `rgb_from_hed`. */
const RGB_FROM_HED = [
  [0.65, 0.7, 0.29],
  [0.07, 0.99, 0.11],
  [0.27, 0.57, 0.78],
] as const;
const DARKEST = 1e-6;
const LOG_DARKEST = Math.log(DARKEST);
const PLACES: Readonly<Record<Exclude<Stain, "none">, number>> = { hematoxylin: 0, eosin: 1, residual: 2 };

/** Changes `pixels` (RGBA, 8 bits each) in place; what is transparent stays. */
export function adjust(pixels: Uint8ClampedArray, settings: Adjustments): void {
  const { white, stain } = settings;
  if (white) {
    const tables = white.map((level) => tableOf((value) => (value * 255) / Math.max(1, level)));
    mapped(pixels, tables);
  }
  if (stain !== "none") separated(pixels, PLACES[stain]);
  const tone = toneOf(settings);
  if (tone) mapped(pixels, [tone, tone, tone]);
}

/** The brightest colour that is common: what lies between the cells. `pixels` as above. */
export function whiteOf(pixels: Uint8ClampedArray): [number, number, number] {
  const at = (channel: number): number => {
    const counts = new Uint32Array(256);
    let total = 0;
    for (let place = channel; place < pixels.length; place += 4) {
      const value = pixels[place] ?? 0;
      counts[value] = (counts[value] ?? 0) + 1;
      total++;
    }
    let above = 0;
    for (let value = 255; value > 0; value--) {
      above += counts[value] ?? 0;
      if (above >= total * 0.05) return value;
    }
    return 255;
  };
  return [at(0), at(1), at(2)];
}

function toneOf({ brightness, contrast, gamma }: Adjustments): Uint8ClampedArray | null {
  if (brightness === 0 && contrast === 0 && gamma === 1) return null;
  const slope = contrast < 0 ? 1 + contrast / 100 : 1 + contrast / 25;
  return tableOf((value) => {
    const shifted = (value / 255 - 0.5) * slope + 0.5 + brightness / 200;
    return 255 * Math.min(1, Math.max(0, shifted)) ** (1 / gamma);
  });
}

function tableOf(change: (value: number) => number): Uint8ClampedArray {
  return Uint8ClampedArray.from({ length: 256 }, (_, value) => change(value));
}

function mapped(pixels: Uint8ClampedArray, tables: readonly Uint8ClampedArray[]): void {
  const [red, green, blue] = tables;
  if (!red || !green || !blue) return;
  for (let at = 0; at < pixels.length; at += 4) {
    pixels[at] = red[pixels[at] ?? 0] ?? 0;
    pixels[at + 1] = green[pixels[at + 1] ?? 0] ?? 0;
    pixels[at + 2] = blue[pixels[at + 2] ?? 0] ?? 0;
  }
}

/** One stain alone, in its own colour: as `separate_stains` and `combine_stains` of scikit-image. */
function separated(pixels: Uint8ClampedArray, stain: number): void {
  const logs = Float64Array.from({ length: 256 }, (_, value) => Math.log(Math.max(value / 255, DARKEST)) / LOG_DARKEST);
  const column = inverse(RGB_FROM_HED).map((row) => row[stain] ?? 0);
  const [r = 0, g = 0, b = 0] = column;
  const [dr, dg, db] = RGB_FROM_HED[stain] ?? [0, 0, 0];
  for (let at = 0; at < pixels.length; at += 4) {
    const amount = Math.max(0, (logs[pixels[at] ?? 0] ?? 0) * r + (logs[pixels[at + 1] ?? 0] ?? 0) * g + (logs[pixels[at + 2] ?? 0] ?? 0) * b) * LOG_DARKEST;
    pixels[at] = 255 * Math.exp(amount * dr);
    pixels[at + 1] = 255 * Math.exp(amount * dg);
    pixels[at + 2] = 255 * Math.exp(amount * db);
  }
}

type Matrix = readonly (readonly number[])[];

/** Of 3 x 3 numbers, by their cofactors. */
function inverse(m: Matrix): number[][] {
  const at = (row: number, column: number): number => m[row % 3]?.[column % 3] ?? 0;
  const minor = (row: number, column: number): number =>
    at(row + 1, column + 1) * at(row + 2, column + 2) - at(row + 1, column + 2) * at(row + 2, column + 1);
  const whole = at(0, 0) * minor(0, 0) + at(0, 1) * minor(0, 1) + at(0, 2) * minor(0, 2);
  return [0, 1, 2].map((row) => [0, 1, 2].map((column) => minor(column, row) / whole));
}
