/** How a pressed key is written: "Ctrl+Z", "Shift+C", "Shift+ArrowUp", "?". Plain letters and what follows them belong to classes. */

/** What is read of a keyboard event. */
export interface Pressed {
  readonly key: string;
  readonly ctrlKey: boolean;
  readonly metaKey: boolean;
  readonly altKey: boolean;
  readonly shiftKey: boolean;
  getModifierState?(name: string): boolean;
}

const MODIFIERS: ReadonlySet<string> = new Set(["Shift", "Control", "Alt", "Meta", "AltGraph", "CapsLock", "Dead", "Unidentified"]);

/** Whether this is a key of its own, and not one that is only held with others. */
export function isWhole({ key }: Pick<Pressed, "key">): boolean {
  return !MODIFIERS.has(key);
}

/**
 * Command on a Mac is Ctrl. Shift is written for named keys and for letters; "?" already says it. What AltGr writes is
 * the sign alone: some systems tell it as Ctrl and Alt. A letter is as large as Shift makes it, whatever Caps Lock says.
 */
export function keyOf(pressed: Pressed): string {
  const key = pressed.key === " " ? "Space" : pressed.key;
  const writes = pressed.getModifierState?.("AltGraph") ?? false;
  const control = !writes && (pressed.ctrlKey || pressed.metaKey);
  const isNamed = key.length > 1;
  const isLetter = key.toLowerCase() !== key.toUpperCase();
  const modifiers = [
    control ? "Ctrl" : "",
    !writes && pressed.altKey && (isNamed || isLetter) ? "Alt" : "",
    pressed.shiftKey && (isNamed || isLetter) ? "Shift" : "",
  ].filter(Boolean);
  if (isNamed || !isLetter) return [...modifiers, key].join("+");
  return [...modifiers, modifiers.length ? key.toUpperCase() : key.toLowerCase()].join("+");
}
