import { SIDE } from "./picture";

/** Planes of SIDE x SIDE smoothed by a Gaussian of `sigma` pixels; beyond the side its last pixels go on. */
export function smoothed(planes: Float32Array, sigma: number): Float32Array {
  if (sigma <= 0) return planes;
  const reach = Math.ceil(2.5 * sigma);
  const weights = Float32Array.from({ length: 2 * reach + 1 }, (_, index) => Math.exp(-((index - reach) ** 2) / (2 * sigma ** 2)));
  const sum = weights.reduce((one, other) => one + other);
  const kernel = weights.map((weight) => weight / sum);
  return along(along(planes, kernel, 1), kernel, SIDE);
}

/** The weighted mean of pixels along rows (`stride` 1) or columns (`stride` SIDE). */
function along(planes: Float32Array, kernel: Float32Array, stride: number): Float32Array {
  const reach = (kernel.length - 1) / 2;
  const out = new Float32Array(planes.length);
  for (let index = 0; index < planes.length; index++) {
    const place = Math.floor(index / stride) % SIDE;
    let sum = 0;
    for (let at = -reach; at <= reach; at++) {
      const other = Math.min(SIDE - 1, Math.max(0, place + at));
      sum += (kernel[at + reach] ?? 0) * (planes[index + (other - place) * stride] ?? 0);
    }
    out[index] = sum;
  }
  return out;
}
