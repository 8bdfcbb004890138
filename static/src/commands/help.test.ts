/// <reference types="node" />
import { readFileSync, writeFileSync } from "node:fs";

import { expect, test } from "vitest";

import { helpOf, helpPage, HANDS } from "./help";
import { commands, gestures } from "./index";

const PAGE = new URL("../../../docs/reference/keys.md", import.meta.url);

test("the page of the help is what the list says", () => {
  const page = helpPage(helpOf(commands, gestures));
  if (process.env.WRITE_KEYS) writeFileSync(PAGE, page);
  expect(readFileSync(PAGE, "utf8")).toBe(page);
});

test("each command and gesture stands in exactly one table", () => {
  const tables = helpOf(commands, gestures);
  expect(tables.flatMap((table) => table.commands.map(({ name }) => name)).sort()).toEqual(commands.map(({ name }) => name).sort());
  expect(tables.reduce((sum, { hands }) => sum + hands.length, 0)).toBe(gestures.length + HANDS.length);
});

test("each command has a key", () => {
  expect(commands.filter(({ keys }) => keys.length === 0).map(({ name }) => name)).toEqual([]);
});
