/** What the template tells the script: which field this is, and what only the page knows. */

import { byId } from "./panel/dom";
import type { References } from "./panel/guideline";

export interface Page {
  readonly project: string;
  readonly field: string;
  readonly references: References;
  /** Where a reviewer sends a cell that is to be a reference; null for others. */
  readonly reference: string | null;
  /** Where a person goes when there is no next field. */
  readonly queue: string;
  /** Where the script is found that adjusts what is seen. */
  readonly adjust: string;
}

export function readPage(): Page {
  return JSON.parse(byId("page", HTMLScriptElement).textContent) as Page;
}

/** What the address asks to be shown: `?cell=UUID`, `?prediction=ID`, `?at=X,Y,RADIUS`. */
export interface Wish {
  readonly cell: string | null;
  readonly prediction: number | null;
  /** x, y and a radius. */
  readonly at: readonly [number, number, number] | null;
}

export function readWish(query: string): Wish {
  const words = new URLSearchParams(query);
  const [x = Number.NaN, y = Number.NaN, radius = 20] = (words.get("at") ?? "").split(",").map(Number);
  const prediction = Number(words.get("prediction") ?? Number.NaN);
  return {
    cell: words.get("cell"),
    prediction: Number.isInteger(prediction) ? prediction : null,
    at: Number.isFinite(x) && Number.isFinite(y) ? [x, y, radius > 0 ? radius : 20] : null,
  };
}

const KEPT = "marrowloop:";

/** What a person prefers in this browser; nothing where the browser keeps nothing. */
export function preference(name: string): string | null {
  try {
    return localStorage.getItem(KEPT + name);
  } catch {
    return null;
  }
}

export function prefer(name: string, value: string): void {
  try {
    localStorage.setItem(KEPT + name, value);
  } catch {
    // Then it holds for this page only.
  }
}
