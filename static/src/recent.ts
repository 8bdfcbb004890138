/**
 * The five classes used last, each on a number key. A class keeps its number while it is among the five: keys that move
 * cannot be learned. A new one takes the number of the one that was used longest ago.
 */

export const RECENT = 5;

export interface Recent {
  /** Numbers of classes, by number key: the first is on 1. */
  readonly slots: readonly number[];
  /** The same numbers, the one used last first. */
  readonly order: readonly number[];
}

export const NONE_RECENT: Recent = { slots: [], order: [] };

export function used(recent: Recent, number: number): Recent {
  const order = [number, ...recent.order.filter((one) => one !== number)];
  if (recent.slots.includes(number)) return { slots: recent.slots, order };
  if (recent.slots.length < RECENT) return { slots: [...recent.slots, number], order };
  const oldest = recent.order.at(-1);
  return { slots: recent.slots.map((one) => (one === oldest ? number : one)), order: order.slice(0, RECENT) };
}

/** As a browser keeps it; what cannot be read, or is not offered any more, is left out. */
export function recentFrom(text: string | null, isOffered: (number: number) => boolean): Recent {
  try {
    const { slots, order } = JSON.parse(text ?? "") as Recent;
    const known = slots.filter(isOffered).slice(0, RECENT);
    return { slots: known, order: [...order, ...known].filter((one, at, all) => known.includes(one) && all.indexOf(one) === at) };
  } catch {
    return NONE_RECENT;
  }
}
