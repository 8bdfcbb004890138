import eslint from "@eslint/js";
import { defineConfig, globalIgnores } from "eslint/config";
import tseslint from "typescript-eslint";

export default defineConfig(
  globalIgnores(["dist/", "src/api.d.ts"]),
  {
    files: ["src/**/*.ts"],
    extends: [eslint.configs.recommended, tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      eqeqeq: "error",
      "no-console": "error",
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      "@typescript-eslint/switch-exhaustiveness-check": "error",
      "@typescript-eslint/consistent-type-imports": "error",
    },
  },
  {
    // Pure: what a cell is, what a command does and what is still to be saved must not hang on a page or a canvas.
    files: ["src/{geometry,shapes,outline,commands}/**/*.ts", "src/{store,undo,spatial,differential,classes,types}.ts"],
    rules: {
      "no-restricted-globals": ["error", "document", "window", "fetch", "localStorage", "sessionStorage", "navigator"],
      "no-restricted-imports": ["error", { patterns: ["ol", "ol/*"] }],
    },
  },
  { files: ["*.{js,mjs,ts}"], extends: [eslint.configs.recommended] },
  { files: ["build.mjs"], languageOptions: { globals: { process: "readonly" } } },
);
