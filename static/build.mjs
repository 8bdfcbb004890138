// Builds what the pages load into dist/: `node build.mjs`, or `node build.mjs --watch` while you work on it.

import { context, build } from "esbuild";
import { copyFileSync, existsSync, mkdirSync } from "node:fs";

const options = {
  // A style sheet that is not written yet is left out; a missing script is an error.
  entryPoints: ["src/workbench.ts", "src/site.ts", "src/theme.ts", "css/site.css", "css/workbench.css"]
    .map((path) => ({ in: path === "src/workbench.ts" ? "src/main.ts" : path, out: path.replace(/^.*\/|\.\w+$/g, "") }))
    .filter(({ in: path }) => path.endsWith(".ts") || existsSync(path)),
  outdir: "dist",
  absWorkingDir: import.meta.dirname,
  bundle: true,
  minify: true,
  sourcemap: process.argv.includes("--watch") ? "inline" : false,
  format: "iife",
  target: ["es2022"],
  legalComments: "linked",
  loader: { ".svg": "file", ".woff2": "file", ".png": "file" },
  assetNames: "assets/[name]-[hash]",
  logLevel: "warning",
};

mkdirSync(`${import.meta.dirname}/dist`, { recursive: true });
copyFileSync(`${import.meta.dirname}/icon.svg`, `${import.meta.dirname}/dist/icon.svg`);

if (process.argv.includes("--watch")) {
  const watched = await context({ ...options, logLevel: "info" });
  await watched.watch();
} else {
  await build(options);
}
