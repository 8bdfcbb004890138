/** How a pressed key is written: "Ctrl+Z", "Shift+ArrowUp", "?". Letters and what follows them belong to classes. */

/** What is read of a keyboard event. */
export interface Pressed {
  readonly key: string;
  readonly ctrlKey: boolean;
  readonly metaKey: boolean;
  readonly altKey: boolean;
  readonly shiftKey: boolean;
}

/** Command on a Mac is Ctrl. Shift is written for named keys, and for letters with Ctrl; "?" already says it. */
export function keyOf(pressed: Pressed): string {
  const key = pressed.key === " " ? "Space" : pressed.key;
  const control = pressed.ctrlKey || pressed.metaKey;
  const isNamed = key.length > 1;
  const isLetter = key.toLowerCase() !== key.toUpperCase();
  const modifiers = [
    control ? "Ctrl" : "",
    pressed.altKey && (isNamed || isLetter) ? "Alt" : "",
    pressed.shiftKey && (isNamed || (isLetter && control)) ? "Shift" : "",
  ];
  return [...modifiers.filter(Boolean), !isNamed && control ? key.toUpperCase() : key].join("+");
}
