/** CIELAB of sRGB pixels (D65), where distances are about what an eye sees as differences (CIE 15:2004). */

const STEPS = 8;
const WHITE = [0.95047, 1, 1.08883] as const;

/** Light of sRGB values 0, 1/STEPS, ... 255 (IEC 61966-2-1). */
const LIGHT = Float32Array.from({ length: 255 * STEPS + 1 }, (_, index) => {
  const value = index / (255 * STEPS);
  return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
});

/** `rgb`: three planes of `count` values, 0 to 255. Three planes back: L (0 to 100), a, b. */
export function labOf(rgb: Float32Array, count: number): Float32Array {
  const lab = new Float32Array(3 * count);
  for (let index = 0; index < count; index++) {
    const r = light(rgb[index] ?? 0);
    const g = light(rgb[count + index] ?? 0);
    const b = light(rgb[2 * count + index] ?? 0);
    const x = bent((0.4124564 * r + 0.3575761 * g + 0.1804375 * b) / WHITE[0]);
    const y = bent((0.2126729 * r + 0.7151522 * g + 0.072175 * b) / WHITE[1]);
    const z = bent((0.0193339 * r + 0.119192 * g + 0.9503041 * b) / WHITE[2]);
    lab[index] = 116 * y - 16;
    lab[count + index] = 500 * (x - y);
    lab[2 * count + index] = 200 * (y - z);
  }
  return lab;
}

function light(value: number): number {
  return LIGHT[Math.round(value * STEPS)] ?? 0;
}

function bent(value: number): number {
  return value > 0.008856 ? Math.cbrt(value) : 7.787 * value + 16 / 116;
}
