import { expect, test } from "vitest";

import { adjust, isPlain, PLAIN, whiteOf } from "./adjust";

const pixelsOf = (...colours: readonly (readonly [number, number, number])[]): Uint8ClampedArray =>
  Uint8ClampedArray.from(colours.flatMap(([red, green, blue]) => [red, green, blue, 255]));

test("plain settings change nothing", () => {
  const pixels = pixelsOf([1, 2, 3], [250, 128, 64]);
  adjust(pixels, { ...PLAIN });
  expect([...pixels]).toEqual([1, 2, 3, 255, 250, 128, 64, 255]);
  expect(isPlain({ ...PLAIN })).toBe(true);
});

test("brightness lifts, contrast spreads round the middle, gamma lightens what is dark", () => {
  const [bright, contrast, gamma] = [pixelsOf([100, 100, 100]), pixelsOf([100, 127, 160]), pixelsOf([60, 128, 255])];
  adjust(bright, { ...PLAIN, brightness: 20 });
  expect(bright[0]).toBeGreaterThan(115);
  adjust(contrast, { ...PLAIN, contrast: 25 });
  expect(contrast[0]).toBeLessThan(80);
  expect(contrast[2]).toBeGreaterThan(180);
  adjust(gamma, { ...PLAIN, gamma: 2 });
  expect(gamma[0]).toBe(Math.round(255 * Math.sqrt(60 / 255)));
  expect(gamma[2]).toBe(255);
});

test("what is said to be white becomes white, and is found where most is ground", () => {
  const ground = Array.from({ length: 90 }, () => [230, 220, 200] as const);
  const cells = Array.from({ length: 10 }, () => [90, 40, 120] as const);
  const pixels = pixelsOf(...ground, ...cells);
  expect(whiteOf(pixels)).toEqual([230, 220, 200]);
  adjust(pixels, { ...PLAIN, white: whiteOf(pixels) });
  expect([...pixels.slice(0, 3)]).toEqual([255, 255, 255]);
});

test("white holds no stain, and what has only one stain keeps its colour in that one alone", () => {
  const white = pixelsOf([255, 255, 255]);
  adjust(white, { ...PLAIN, stain: "hematoxylin" });
  expect([...white.slice(0, 3)]).toEqual([255, 255, 255]);
  const blue = [0.65, 0.7, 0.29].map((density) => Math.round(255 * Math.exp(-1.2 * density))) as [number, number, number];
  const [own, other] = [pixelsOf(blue), pixelsOf(blue)];
  adjust(own, { ...PLAIN, stain: "hematoxylin" });
  adjust(other, { ...PLAIN, stain: "eosin" });
  blue.forEach((value, channel) => {
    expect(Math.abs((own[channel] ?? 0) - value)).toBeLessThanOrEqual(2);
    expect(other[channel]).toBeGreaterThanOrEqual(252);
  });
});
