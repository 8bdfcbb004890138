import { expect, test } from "vitest";

import ontology from "../../annotation/ontology/bone_marrow.toml?raw";
import { cellClass } from "./commands/bench.testing";
import { apart, forColourBlind, simulated } from "./palette";
import type { CellClass, Line } from "./types";

/** The classes of the built-in ontology, as far as colours go. */
function classes(): CellClass[] {
  return ontology
    .split("[[class]]")
    .slice(1)
    .map((part, index) => {
      const word = (name: string): string => new RegExp(`^${name} = "([^"]*)"`, "m").exec(part)?.[1] ?? "";
      const kind = ["artefact", "unsure"].find((one) => word("kind") === one) ?? "cell";
      return cellClass(index + 1, {
        key: word("key"),
        lineage: word("lineage"),
        colour: word("colour"),
        line: (word("line") || "solid") as Line,
        kind: kind as CellClass["kind"],
      });
    });
}

test("the file is read", () => {
  expect(classes().length).toBeGreaterThan(20);
  expect(classes().every((one) => /^#[0-9A-F]{6}$/i.test(one.colour))).toBe(true);
});

test.each(["protan", "deutan"] as const)("with the palette lineages differ in colour or line to %s eyes", (kind) => {
  const shown = forColourBlind(classes()).filter((one) => one.kind === "cell");
  const alike = shown.flatMap((one) =>
    shown
      .filter((other) => other.number > one.number && other.lineage !== one.lineage && other.line === one.line)
      .map((other) => ({ pair: `${one.key} ${other.key}`, away: apart(simulated(one.colour, kind), simulated(other.colour, kind)) })),
  );
  expect(alike.length).toBeGreaterThan(10);
  expect(alike.filter(({ away }) => away < 10)).toEqual([]);
});

test("the ontology's own colours would fail the same test: that is what the palette is for", () => {
  const shown = classes().filter((one) => one.kind === "cell");
  const away = shown.flatMap((one) =>
    shown.filter((other) => other.lineage !== one.lineage && other.line === one.line).map((other) => apart(simulated(one.colour, "deutan"), simulated(other.colour, "deutan"))),
  );
  expect(Math.min(...away)).toBeLessThan(10);
});
