// Outlines the cells of a folder by the workbench's own code: `node outliner.mjs FOLDER`.
//
// FOLDER/cells.json: {pictures: [{width, height, at}], cells: [{picture, kind, points}]}; FOLDER/pictures.bin: their RGBA,
// each from byte `at` on. Writes FOLDER/answers.json: for each cell {points, fault, ms}; points and ms as outlineOf says,
// from the pixels of the whole picture to the contour.

import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";

const [, , folder] = process.argv;
const scripts = join(dirname(import.meta.dirname), "static");
const { buildSync } = createRequire(join(scripts, "package.json"))("esbuild");
const bundle = join(folder, "outline.mjs");
buildSync({ entryPoints: [join(scripts, "src/outline/index.ts")], bundle: true, format: "esm", outfile: bundle, logLevel: "warning" });
const { around, ellipseOf, outlineOf, within } = await import(pathToFileURL(bundle));

const asked = JSON.parse(readFileSync(join(folder, "cells.json"), "utf8"));
const bytes = readFileSync(join(folder, "pictures.bin"));
const pictures = asked.pictures.map(({ width, height, at }) => ({ width, height, data: bytes.subarray(at, at + 4 * width * height) }));

/** The part of a picture, as a canvas gives it. */
function partOf({ width, data }, { x0, y0, x1, y1 }) {
  const part = new Uint8ClampedArray(4 * (x1 - x0) * (y1 - y0));
  for (let row = y0; row < y1; row++) part.set(data.subarray(4 * (row * width + x0), 4 * (row * width + x1)), 4 * (row - y0) * (x1 - x0));
  return { width: x1 - x0, height: y1 - y0, data: part };
}

function outlined({ picture: index, kind, points: weak }) {
  const picture = pictures[index];
  const ellipse = ellipseOf({ kind, points: weak }, picture);
  const part = around(ellipse, picture);
  const { points, fault } = outlineOf(partOf(picture, part), within(ellipse, part));
  return { points: points?.map((value, at) => value + (at % 2 ? part.y0 : part.x0)) ?? null, fault };
}

for (const cell of asked.cells.slice(0, 20)) outlined(cell); // warm, as the page is after its first cells
const answers = asked.cells.map((cell) => {
  const began = performance.now();
  const answer = outlined(cell);
  return { ...answer, ms: performance.now() - began };
});
writeFileSync(join(folder, "answers.json"), JSON.stringify(answers));
