// Builds what the pages load into dist/: `node build.mjs`, or `node build.mjs --watch` while you work on it.

import { build, context } from "esbuild";
import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

const here = import.meta.dirname;
const dist = join(here, "dist");
const isWatching = process.argv.includes("--watch");

const options = {
  entryPoints: [
    { in: "src/main.ts", out: "workbench" },
    { in: "src/adjust.worker.ts", out: "adjust" },
    { in: "src/site.ts", out: "site" },
    { in: "src/theme.ts", out: "theme" },
    { in: "src/upload.ts", out: "upload" },
    { in: "css/site.css", out: "site" },
    { in: "css/workbench.css", out: "workbench" },
  ].filter((entry) => existsSync(join(here, entry.in))),
  absWorkingDir: here,
  outdir: "dist",
  bundle: true,
  minify: true,
  sourcemap: isWatching ? "inline" : false,
  format: "iife",
  target: ["es2022"],
  // The licences of what is bundled lie beside it in licences.txt.
  legalComments: "none",
  loader: { ".svg": "file", ".woff2": "file", ".png": "file" },
  assetNames: "assets/[name]-[hash]",
  logLevel: isWatching ? "info" : "warning",
};

/** Replaces dist/ as a whole, and only by a build that succeeded. */
async function buildOnce() {
  const { outputFiles, metafile } = await build({ ...options, write: false, metafile: true });
  rmSync(dist, { recursive: true, force: true });
  for (const file of outputFiles) {
    mkdirSync(dirname(file.path), { recursive: true });
    writeFileSync(file.path, file.contents);
  }
  writeFileSync(join(dist, "licences.txt"), licencesOf(Object.keys(metafile.inputs)));
}

/** The licences of the packages that these files belong to. */
function licencesOf(files) {
  const packages = new Set(files.map((file) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file)?.[0]).filter(Boolean));
  const texts = [...packages].sort().map((folder) => {
    const { name, version } = JSON.parse(readFileSync(join(here, folder, "package.json"), "utf8"));
    const file = readdirSync(join(here, folder)).find((entry) => /^licen[cs]e/i.test(entry));
    if (!file) throw new Error(`${name} brings no licence`);
    return `${name} ${version}\n\n${readFileSync(join(here, folder, file), "utf8").trim()}\n`;
  });
  return texts.join(`\n${"-".repeat(80)}\n\n`);
}

function copyPictures() {
  mkdirSync(dist, { recursive: true });
  cpSync(join(here, "icon.svg"), join(dist, "icon.svg"));
}

if (isWatching) {
  const watched = await context(options);
  await watched.watch();
} else {
  await buildOnce().catch((error) => {
    if (!error.errors) throw error;
    process.exit(1); // esbuild has said which line is at fault
  });
}
copyPictures();
