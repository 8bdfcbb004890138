/** Mixtures of normal distributions of colours, fitted by expectation and maximisation (Dempster, Laird & Rubin 1977). */

/** Colours one after the other, three numbers each. */
export type Colours = Float32Array;

/**
 * Ten numbers a part: the mean, then the inverse of the covariance (xx, yy, zz, xy, xz, yz), then the logarithm of its
 * share over the root of the covariance's determinant.
 */
export type Mixture = Float64Array;

const SIZE = 10;
const ROUNDS = 10;

/**
 * Fits `parts` normal distributions to colours; `floor` is added to each variance, so that none is narrower than noise.
 * The start is fixed, equal groups in the order of the first number: the same colours give the same mixture.
 */
export function fitMixture(colours: Colours, parts: number, floor: number): Mixture {
  const count = Math.floor(colours.length / 3);
  const shares = new Float32Array(parts * count);
  const order = Array.from({ length: count }, (_, index) => index).sort((a, b) => (colours[3 * a] ?? 0) - (colours[3 * b] ?? 0));
  order.forEach((colour, place) => {
    shares[Math.min(parts - 1, Math.floor((place * parts) / count)) * count + colour] = 1;
  });
  const mixture = new Float64Array(SIZE * parts);
  maximise(colours, shares, floor, mixture);
  for (let round = 0; round < ROUNDS; round++) {
    expect(colours, mixture, shares);
    maximise(colours, shares, floor, mixture);
  }
  return mixture;
}

/** Logarithm of the density at a colour, but for a constant that is the same for all mixtures. */
export function logDensity(mixture: Mixture, l: number, a: number, b: number): number {
  let best = -Infinity;
  for (let at = 0; at < mixture.length; at += SIZE) best = Math.max(best, logPart(mixture, at, l, a, b));
  let sum = 0;
  for (let at = 0; at < mixture.length; at += SIZE) sum += Math.exp(logPart(mixture, at, l, a, b) - best);
  return best + Math.log(sum);
}

function logPart(m: Mixture, at: number, l: number, a: number, b: number): number {
  const x = l - (m[at] ?? 0);
  const y = a - (m[at + 1] ?? 0);
  const z = b - (m[at + 2] ?? 0);
  const squares = (m[at + 3] ?? 0) * x * x + (m[at + 4] ?? 0) * y * y + (m[at + 5] ?? 0) * z * z;
  return (m[at + 9] ?? 0) - 0.5 * squares - (m[at + 6] ?? 0) * x * y - (m[at + 7] ?? 0) * x * z - (m[at + 8] ?? 0) * y * z;
}

/** How much of each colour belongs to each part. */
function expect(colours: Colours, mixture: Mixture, shares: Float32Array): void {
  const count = Math.floor(colours.length / 3);
  const parts = mixture.length / SIZE;
  for (let index = 0; index < count; index++) {
    const l = colours[3 * index] ?? 0;
    const a = colours[3 * index + 1] ?? 0;
    const b = colours[3 * index + 2] ?? 0;
    const whole = logDensity(mixture, l, a, b);
    for (let part = 0; part < parts; part++) {
      shares[part * count + index] = Math.exp(logPart(mixture, part * SIZE, l, a, b) - whole);
    }
  }
}

function maximise(colours: Colours, shares: Float32Array, floor: number, mixture: Mixture): void {
  const count = Math.floor(colours.length / 3);
  for (let part = 0; part < mixture.length / SIZE; part++) {
    fitPart(colours, shares.subarray(part * count, (part + 1) * count), floor, mixture.subarray(part * SIZE, (part + 1) * SIZE));
  }
}

/** Fits one part to the colours, each by its weight. */
function fitPart(colours: Colours, weights: Float32Array, floor: number, part: Float64Array): void {
  let sum = 1e-6;
  const mean = new Float64Array(3);
  for (let index = 0; index < weights.length; index++) {
    const weight = weights[index] ?? 0;
    sum += weight;
    for (let axis = 0; axis < 3; axis++) mean[axis] = (mean[axis] ?? 0) + weight * (colours[3 * index + axis] ?? 0);
  }
  for (let axis = 0; axis < 3; axis++) part[axis] = (mean[axis] ?? 0) / sum;
  let [xx, yy, zz, xy, xz, yz] = [0, 0, 0, 0, 0, 0];
  for (let index = 0; index < weights.length; index++) {
    const weight = (weights[index] ?? 0) / sum;
    const x = (colours[3 * index] ?? 0) - (part[0] ?? 0);
    const y = (colours[3 * index + 1] ?? 0) - (part[1] ?? 0);
    const z = (colours[3 * index + 2] ?? 0) - (part[2] ?? 0);
    xx += weight * x * x;
    yy += weight * y * y;
    zz += weight * z * z;
    xy += weight * x * y;
    xz += weight * x * z;
    yz += weight * y * z;
  }
  [xx, yy, zz] = [xx + floor, yy + floor, zz + floor];
  const [cxx, cxy, cxz] = [yy * zz - yz * yz, xz * yz - xy * zz, xy * yz - xz * yy];
  const determinant = xx * cxx + xy * cxy + xz * cxz;
  const inverse = [cxx, xx * zz - xz * xz, xx * yy - xy * xy, cxy, cxz, xy * xz - xx * yz];
  inverse.forEach((value, at) => (part[3 + at] = value / determinant));
  part[9] = Math.log((sum + 1e-3) / weights.length) - 0.5 * Math.log(determinant);
}
