/** The running differential: counts per class, shares with their 95 % intervals, and M:E. */

import type { Classes } from "./classes";
import type { CellClass } from "./types";

export interface Interval {
  readonly low: number;
  readonly high: number;
}

export interface Row {
  readonly class: CellClass;
  readonly count: number;
  /** Of all counted cells, 0 to 1; null for a class that is not counted. */
  readonly share: number | null;
  readonly interval: Interval | null;
}

export interface Differential {
  /** One row for each class that occurs, in the order of the classes. */
  readonly rows: readonly Row[];
  /** Cells of counted classes: what the shares are of. */
  readonly counted: number;
  readonly total: number;
  readonly myeloid: number;
  readonly erythroid: number;
  /** Smudges and artefacts: a quality of the sample. */
  readonly spoilt: number;
  /** Myeloid to erythroid; null while there is no erythroid cell. */
  readonly ratio: number | null;
}

/** The lineages of M in M:E: granulocytes, monocytes and their precursors. Blasts of no named lineage are not in it. */
const MYELOID: ReadonlySet<string> = new Set(["granulocytic", "monocytic"]);
const ERYTHROID = "erythroid";

export function differentialOf(cells: Iterable<{ readonly class: number }>, classes: Classes): Differential {
  const counts = new Map<number, number>();
  for (const cell of cells) counts.set(cell.class, (counts.get(cell.class) ?? 0) + 1);
  const present = classes.all.filter((one) => counts.has(one.number));
  const sum = (of: (one: CellClass) => boolean): number =>
    present.filter(of).reduce((total, one) => total + (counts.get(one.number) ?? 0), 0);
  const counted = sum((one) => one.counted);
  const myeloid = sum((one) => one.counted && MYELOID.has(one.lineage));
  const erythroid = sum((one) => one.counted && one.lineage === ERYTHROID);
  const rows = present.map((one): Row => {
    const count = counts.get(one.number) ?? 0;
    if (!one.counted) return { class: one, count, share: null, interval: null };
    return { class: one, count, share: count / counted, interval: wilson(count, counted) };
  });
  return {
    rows,
    counted,
    total: sum(() => true),
    spoilt: sum((one) => one.kind === "artefact"),
    myeloid,
    erythroid,
    ratio: erythroid ? myeloid / erythroid : null,
  };
}

/** The 95 % interval of a share by Wilson's score: it holds for small counts and never leaves 0 to 1. */
export function wilson(count: number, of: number): Interval {
  if (of === 0) return { low: 0, high: 1 };
  const z = 1.959963984540054;
  const share = count / of;
  const scale = 1 + z ** 2 / of;
  const middle = (share + z ** 2 / (2 * of)) / scale;
  const half = (z / scale) * Math.sqrt((share * (1 - share)) / of + z ** 2 / (4 * of ** 2));
  return { low: count === 0 ? 0 : Math.max(0, middle - half), high: count === of ? 1 : Math.min(1, middle + half) };
}
