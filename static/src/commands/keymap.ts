/** Which key does what, for one person: the keys of the commands' list, but for those that the person has changed. */

import type { Command } from "./command";

/** By the name of a command, the keys that a person gave it: none, one or several. Commands not named keep their own. */
export type Bindings = Readonly<Record<string, readonly string[]>>;

/** Browsers keep these for themselves, or pages cannot do without them. */
const RESERVED: ReadonlySet<string> = new Set(["Tab", "Shift+Tab", "F5", "F11", "F12", "Ctrl+N", "Ctrl+T", "Ctrl+W", "Ctrl+Shift+N", "Ctrl+Shift+T", "Ctrl+Shift+W"]);

export class Keymap {
  readonly #commands: readonly Command[];
  readonly #listeners = new Set<() => void>();
  #bindings: Bindings = {};
  #byKey = new Map<string, Command>();

  constructor(commands: readonly Command[], bindings: Bindings = {}) {
    this.#commands = commands;
    this.use(bindings);
  }

  /** Only what differs from the list. */
  get bindings(): Bindings {
    return this.#bindings;
  }

  on(listener: () => void): void {
    this.#listeners.add(listener);
  }

  /** Takes a person's keys; names of commands that are not there (any more) are passed over. */
  use(bindings: Bindings): void {
    const changed = this.#commands.flatMap((command) => {
      const keys = bindings[command.name];
      return keys === undefined || sameKeys(keys, command.keys) ? [] : [[command.name, keys] as const];
    });
    this.#bindings = Object.fromEntries(changed);
    // Where two have one key, which only a list made elsewhere can say, the person's own choice wins.
    const own = ({ name }: Command): boolean => name in this.#bindings;
    const order = [...this.#commands.filter((one) => !own(one)), ...this.#commands.filter(own)];
    this.#byKey = new Map(order.flatMap((command) => this.keysOf(command).map((key) => [key, command] as const)));
    for (const listener of this.#listeners) listener();
  }

  /** The first is the one that is shown. */
  keysOf(command: Command): readonly string[] {
    return this.#bindings[command.name] ?? command.keys;
  }

  isChanged(command: Command): boolean {
    return command.name in this.#bindings;
  }

  /** The command of a key as keyOf writes it. */
  commandOf(key: string): Command | undefined {
    return this.#byKey.get(key);
  }

  /** The bindings with one key for `command`; it is taken from whatever had it. */
  given(command: Command, key: string): Bindings {
    const other = this.commandOf(key);
    const taken = other && other !== command ? { [other.name]: this.keysOf(other).filter((one) => one !== key) } : {};
    return { ...this.#bindings, ...taken, [command.name]: [key] };
  }

  /** The bindings with the list's own keys for `command`, those taken away again that others have by now. */
  withoutChange(command: Command): Bindings {
    const others = Object.fromEntries(Object.entries(this.#bindings).filter(([name]) => name !== command.name));
    const free = command.keys.filter((key) => [command, undefined].includes(this.commandOf(key)));
    return free.length === command.keys.length ? others : { ...others, [command.name]: free };
  }
}

/** Why a key cannot be given to any command, in plain words; null where it can. */
export function faultOfKey(key: string): string | null {
  if (RESERVED.has(key)) return "The browser keeps this key for itself. Press another one.";
  if (/^\p{L}$/u.test(key)) return "Plain letters are the keys of the classes. Press it with Shift, Ctrl or Alt.";
  return null;
}

function sameKeys(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((key, index) => key === other[index]);
}
