/** The classes of a project: by number, by key of the keyboard, by what a person types. Retired ones only by number. */

import type { CellClass } from "./types";

/** What typing a key led to: a class, the first half of a class' keys (g of g1), or nothing. */
export type Typed =
  | { readonly type: "class"; readonly class: CellClass }
  | { readonly type: "prefix"; readonly prefix: string; readonly classes: readonly CellClass[] }
  | { readonly type: "nothing" };

export class Classes {
  readonly all: readonly CellClass[];
  readonly offered: readonly CellClass[];
  readonly #byNumber: ReadonlyMap<number, CellClass>;

  constructor(classes: readonly CellClass[]) {
    this.all = classes;
    this.offered = classes.filter((one) => !one.retired);
    this.#byNumber = new Map(classes.map((one) => [one.number, one]));
  }

  get(number: number): CellClass | undefined {
    return this.#byNumber.get(number);
  }

  /** The class and those above it, from the root down. */
  path(number: number): CellClass[] {
    const found: CellClass[] = [];
    for (let one = this.get(number); one && !found.includes(one); one = this.get(one.parent ?? -1)) found.unshift(one);
    return found;
  }

  /** What is drawn before a person has chosen: the first root that is counted. */
  get first(): CellClass | undefined {
    return this.offered.find((one) => one.counted && one.parent === null) ?? this.offered[0];
  }

  /**
   * What `key` means after `prefix` (what was typed just before, "" for nothing). A lineage whose key is only the first
   * letter of its stages (e0, e1, ...) waits for the second; a prefix that leads nowhere is forgotten.
   */
  typed(key: string, prefix = ""): Typed {
    if (key.length !== 1) return { type: "nothing" };
    const wanted = (prefix + key).toLowerCase();
    const exact = this.offered.find((one) => one.hotkey.toLowerCase() === wanted);
    if (exact) return { type: "class", class: exact };
    const longer = this.offered.filter((one) => one.hotkey.toLowerCase().startsWith(wanted));
    if (longer.length) return { type: "prefix", prefix: wanted, classes: longer };
    return prefix ? this.typed(key) : { type: "nothing" };
  }

  /** Where a person stops who has begun with `prefix` and cannot tell the stage: the class above all that it begins. */
  above(prefix: string): CellClass | undefined {
    const begun = this.offered.filter((one) => one.hotkey.toLowerCase().startsWith(prefix));
    const [first] = begun;
    return this.path(first?.number ?? -1).findLast((one) => !one.retired && begun.every((other) => this.path(other.number).includes(one)));
  }

  /** Offered classes for a search, best first: the start of the name, of a word, of the key, then letters in order. */
  search(text: string): CellClass[] {
    const wanted = text.trim().toLowerCase();
    if (!wanted) return [...this.offered];
    return this.offered
      .map((one) => ({ one, rank: rankOf(one, wanted) }))
      .filter(({ rank }) => rank < NO_MATCH)
      .sort((one, other) => one.rank - other.rank || one.one.number - other.one.number)
      .map(({ one }) => one);
  }
}

const NO_MATCH = 6;

function rankOf(one: CellClass, wanted: string): number {
  const [name, key] = [one.name.toLowerCase(), one.key.toLowerCase()];
  if (key === wanted || one.hotkey.toLowerCase() === wanted) return 0;
  if (name.startsWith(wanted)) return 1;
  if (name.split(/[^\p{L}\p{N}]+/u).some((word) => word.startsWith(wanted))) return 2;
  if (key.startsWith(wanted)) return 3;
  if (name.includes(wanted)) return 4;
  return isSpread(name, wanted) ? 5 : NO_MATCH;
}

/** Whether the letters come in this order: "basry" finds "Basophilic erythroblast". */
function isSpread(name: string, wanted: string): boolean {
  let from = 0;
  for (const letter of wanted.replaceAll(" ", "")) {
    from = name.indexOf(letter, from) + 1;
    if (from === 0) return false;
  }
  return true;
}
