/** Elements without a framework: made in one expression, found by name or not at all. */

import { shownKey } from "../commands/help";
import type { CellClass, Line } from "../types";

export { shownKey };

type Child = Node | string | null;
type Value = string | number | boolean | ((event: Event) => void);

/** An element: `on...` listens, true is an empty attribute, false leaves it out, `text` stands for a child. */
export function h<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  attributes: Readonly<Record<string, Value>> = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[Name] {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(key.slice(2), value);
    else if (value === true) element.setAttribute(key, "");
    else if (value !== false) element.setAttribute(key, String(value));
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

/** The element of the page with this id; the template has it, or the page is broken. */
export function byId<Kind extends HTMLElement>(id: string, kind: new () => Kind): Kind {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new Error(`The page has no ${kind.name} #${id}.`);
  return found;
}

const DASHES: Record<Line, string> = { solid: "none", dashed: "6 3", dotted: "1.5 2.5" };
const SVG = "http://www.w3.org/2000/svg";

/** The colour and the line of a class, as on the field. */
export function swatch({ colour, line }: Pick<CellClass, "colour" | "line">): SVGSVGElement {
  const svg = document.createElementNS(SVG, "svg");
  for (const [name, value] of Object.entries({ class: "swatch", width: "16", height: "16", viewBox: "0 0 16 16" })) {
    svg.setAttribute(name, value);
  }
  svg.setAttribute("aria-hidden", "true");
  for (const [name, stroke, width, dash] of [
    ["swatch-edge", "#101418", "4.6", "none"],
    ["swatch-line", colour, "2.6", DASHES[line]],
  ] as const) {
    const circle = document.createElementNS(SVG, "circle");
    const values = { class: name, cx: "8", cy: "8", r: "5.5", fill: "none", stroke, "stroke-width": width, "stroke-dasharray": dash };
    for (const [key, value] of Object.entries(values)) circle.setAttribute(key, value);
    svg.append(circle);
  }
  return svg;
}

export function keyHint(keys: string): HTMLElement {
  return h("kbd", {}, shownKey(keys));
}

/** Percent with one decimal below 10: what a count of hundreds can carry. */
export function percent(share: number): string {
  const value = share * 100;
  return value >= 99.95 || value === 0 ? `${Math.round(value)}` : value.toFixed(1);
}
