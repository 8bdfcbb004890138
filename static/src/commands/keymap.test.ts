import { describe, expect, test } from "vitest";

import { commandNamed, commands, faultOfKey, keyOf, Keymap } from "./index";
import type { Command } from "./index";

function named(name: string): Command {
  const found = commandNamed(name);
  if (found === undefined) throw new Error(`there is no ${name}`);
  return found;
}

const [circle, box] = [named("tool.circle"), named("tool.box")];

describe("keys of a person", () => {
  test("without changes each command has the keys of the list", () => {
    const keymap = new Keymap(commands);
    for (const command of commands) {
      expect(keymap.keysOf(command)).toEqual(command.keys);
      for (const key of command.keys) expect(keymap.commandOf(key)).toBe(command);
    }
  });

  test("a key that is given is taken from whatever had it, and all that is told to who shows keys", () => {
    const keymap = new Keymap(commands);
    let told = 0;
    keymap.on(() => told++);
    keymap.use(keymap.given(circle, "Shift+B"));
    expect(keymap.commandOf("Shift+B")).toBe(circle);
    expect(keymap.commandOf("Shift+C")).toBeUndefined();
    expect(keymap.keysOf(box)).toEqual([]);
    expect(keymap.bindings).toEqual({ "tool.circle": ["Shift+B"], "tool.box": [] });
    expect(told).toBe(1);
  });

  test("taken back, a command has its own keys again, unless they are another's by now", () => {
    const keymap = new Keymap(commands, { "tool.circle": ["Shift+B"], "tool.box": [] });
    keymap.use(keymap.withoutChange(box));
    expect(keymap.keysOf(box)).toEqual([]);
    keymap.use(keymap.withoutChange(circle));
    keymap.use(keymap.withoutChange(box));
    expect(keymap.bindings).toEqual({});
    expect(keymap.commandOf("Shift+B")).toBe(box);
  });

  test("keys of commands that are gone are passed over, and a change to what is there anyway is none", () => {
    const keymap = new Keymap(commands, { "tool.brush": ["Ctrl+B"], "tool.circle": ["Shift+C"] });
    expect(keymap.commandOf("Ctrl+B")).toBeUndefined();
    expect(keymap.bindings).toEqual({});
  });

  test("a key of two commands is the one's that the person chose", () => {
    const keymap = new Keymap(commands, { "tool.circle": ["Shift+B"] });
    expect(keymap.commandOf("Shift+B")).toBe(circle);
  });

  test("what browsers keep and what classes need is not given away", () => {
    expect(faultOfKey("Ctrl+W")).toContain("browser");
    expect(faultOfKey("l")).toContain("classes");
    expect(faultOfKey("Shift+L")).toBeNull();
    expect(faultOfKey("7")).toBeNull();
  });

  test("no command comes with a key that cannot be given", () => {
    expect(commands.flatMap(({ keys }) => keys).filter((key) => faultOfKey(key) !== null)).toEqual([]);
  });
});

test("what AltGr writes is the sign alone, and Caps Lock makes no other key", () => {
  const plain = { ctrlKey: false, metaKey: false, altKey: false, shiftKey: false };
  const graph = { ...plain, ctrlKey: true, altKey: true, getModifierState: (name: string) => name === "AltGraph" };
  expect(keyOf({ ...graph, key: "[" })).toBe("[");
  expect(keyOf({ ...plain, key: "L" })).toBe("l");
  expect(keyOf({ ...plain, key: "L", shiftKey: true })).toBe("Shift+L");
  expect(keyOf({ ...plain, key: "a", altKey: true })).toBe("Alt+A");
});
