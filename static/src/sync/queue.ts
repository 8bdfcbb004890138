/**
 * What is still to be saved: one entry for each cell or prediction that was changed. Pure: no network, no database.
 *
 * An entry that was sent and not answered is sent again word for word, for the server may have stored it; what was
 * changed meanwhile follows on the version that comes back. So nothing is stored twice and nothing is skipped.
 */

import type { CellContent, Change, ChangeRequest, ChangeResult, ServerCell, Uuid } from "../types";
import { contentOf, sameContent } from "../types";

/** What the person wants in the end. `last`: the content of a deleted cell before that, for the server asks for it. */
export type Wanted =
  | { readonly type: "cell"; readonly uuid: Uuid; readonly content: CellContent | null; readonly last: CellContent }
  | { readonly type: "rejection"; readonly prediction: number; readonly rejected: boolean };

export type Trouble =
  | { readonly type: "stale"; readonly theirs: ServerCell }
  | { readonly type: "refused"; readonly message: string };

/** Plain data: it is stored in the browser as it is. */
export interface Entry {
  readonly key: string;
  readonly wanted: Wanted;
  /** The cell as the server had it when it was changed here: null for a new one. Of a rejection: what it was. */
  readonly base: ServerCell | boolean | null;
  /** What was sent and not answered. */
  readonly sent: ChangeRequest | null;
  readonly trouble: Trouble | null;
  /** How long the person was active for what is not answered yet. */
  readonly seconds?: number;
}

/** What the page has to show after an answer or a choice. */
export interface Shown {
  readonly cells: readonly ServerCell[];
  readonly changes: readonly Change[];
}

const NOTHING_TO_SHOW: Shown = { cells: [], changes: [] };

export function keyOf(change: { readonly type: "cell"; uuid: Uuid } | { readonly type: "rejection"; prediction: number }): string {
  return change.type === "cell" ? `cell:${change.uuid}` : `rejection:${change.prediction}`;
}

export class Queue {
  readonly #entries = new Map<string, Entry>();
  /** The newest state of each cell that the server told. */
  readonly #known = new Map<Uuid, ServerCell>();

  get size(): number {
    return this.#entries.size;
  }

  entries(): IterableIterator<Entry> {
    return this.#entries.values();
  }

  get(key: string): Entry | undefined {
    return this.#entries.get(key);
  }

  /** Learns cells from the server; returns those that no change made here is waiting for. */
  learn(cells: readonly ServerCell[]): ServerCell[] {
    const newer = cells.filter((cell) => cell.version > (this.#known.get(cell.uuid)?.version ?? 0));
    for (const cell of newer) this.#known.set(cell.uuid, cell);
    return newer.filter((cell) => !this.#entries.has(`cell:${cell.uuid}`));
  }

  /** Notes a change; returns the key of its entry, which is gone if everything is again as the server has it. */
  add(change: Change, seconds = 0): string {
    const key = keyOf(change);
    const entry = this.#entries.get(key) ?? this.#begun(change);
    // An edit of what was refused is an attempt to mend it; a conflict stays until the person has chosen.
    const trouble = entry.trouble?.type === "stale" ? entry.trouble : null;
    // The circle that a contour came from is the cell's history: it is saved first, even where both are a moment apart.
    const sent = entry.sent ?? (entry.trouble === null && this.#entries.has(key) && isOutlined(entry.wanted, change) ? requestOf(entry) : null);
    this.#keep({ ...entry, wanted: wantedOf(change), sent, trouble, seconds: (entry.seconds ?? 0) + seconds });
    return key;
  }

  /** Takes over what another tab left; the caller looks that there is no entry of this key. */
  adopt(entry: Entry): void {
    this.#entries.set(entry.key, entry);
  }

  /** Forgets an entry that another tab has taken over. */
  release(key: string): void {
    this.#entries.delete(key);
  }

  /** The next to send, at most `limit`, oldest first, marked as sent. */
  take(limit: number): (Entry & { readonly sent: ChangeRequest })[] {
    const taken: (Entry & { readonly sent: ChangeRequest })[] = [];
    for (const entry of this.#entries.values()) {
      if (taken.length >= limit) break;
      if (entry.trouble !== null) continue;
      const marked = { ...entry, sent: entry.sent ?? requestOf(entry) };
      this.#entries.set(entry.key, marked);
      taken.push(marked);
    }
    return taken;
  }

  get isWaiting(): boolean {
    for (const entry of this.#entries.values()) if (entry.trouble === null) return true;
    return false;
  }

  /** The server's answer to what `take` gave out. */
  answer(key: string, result: ChangeResult): Shown {
    const entry = this.#entries.get(key);
    if (!entry?.sent) return NOTHING_TO_SHOW;
    if (result.status === "refused") {
      // What is refused is what was sent: if the person has changed it since, that is tried next.
      const trouble: Trouble = { type: "refused", message: result.message };
      this.#keep({ ...entry, sent: null, trouble: isWhatWasSent(entry.wanted, entry.sent) ? trouble : null });
      return NOTHING_TO_SHOW;
    }
    if (result.status === "saved") return this.#saved(entry, entry.sent, result.cell ?? null);
    const theirs = result.cell;
    if (this.#isSettledBy(entry, entry.sent, theirs)) return this.#saved(entry, entry.sent, theirs);
    this.learn([theirs]);
    this.#entries.set(key, { ...entry, sent: null, trouble: { type: "stale", theirs } });
    return NOTHING_TO_SHOW;
  }

  /** Mine is to be sent again, upon their version. */
  keepMine(key: string): void {
    const entry = this.#entries.get(key);
    if (entry?.trouble?.type === "stale") this.#keep({ ...entry, base: entry.trouble.theirs, trouble: null });
  }

  /** Gives up what waits with trouble and tells what to show instead. */
  giveUp(key: string): Shown {
    const entry = this.#entries.get(key);
    if (!entry?.trouble) return NOTHING_TO_SHOW;
    this.#entries.delete(key);
    const { wanted, base, trouble } = entry;
    if (wanted.type === "rejection") {
      const change = { type: "rejection", prediction: wanted.prediction, before: wanted.rejected, after: base === true };
      return { cells: [], changes: [change as Change] };
    }
    const known = trouble.type === "stale" ? trouble.theirs : this.#known.get(wanted.uuid);
    if (known) return { cells: [known], changes: [] };
    return { cells: [], changes: [{ type: "cell", uuid: wanted.uuid, before: wanted.content, after: null }] };
  }

  /** Refused changes are tried again. */
  retryRefused(): string[] {
    const refused = [...this.#entries.values()].filter((entry) => entry.trouble?.type === "refused");
    for (const entry of refused) this.#entries.set(entry.key, { ...entry, trouble: null });
    return refused.map((entry) => entry.key);
  }

  #begun(change: Change): Entry {
    const base = change.type === "cell" ? (this.#known.get(change.uuid) ?? null) : change.before;
    return { key: keyOf(change), wanted: wantedOf(change), base, sent: null, trouble: null };
  }

  /** Stores an entry, or drops it where the server already has what is wanted and nothing else is under way. */
  #keep(entry: Entry): void {
    if (entry.sent === null && entry.trouble?.type !== "stale" && isAsWanted(entry.wanted, entry.base)) {
      this.#entries.delete(entry.key);
    } else {
      this.#entries.set(entry.key, entry);
    }
  }

  #saved(entry: Entry, sent: ChangeRequest, cell: ServerCell | null): Shown {
    if (cell) this.learn([cell]);
    if (!isWhatWasSent(entry.wanted, sent)) {
      // Changed while it was under way: the rest follows on the version that the server has now.
      const seconds = Math.max(0, (entry.seconds ?? 0) - (sent.seconds ?? 0));
      this.#keep({ ...entry, base: sent.type === "rejection" ? sent.rejected : cell, sent: null, seconds });
    } else {
      this.#entries.delete(entry.key);
    }
    return cell && !this.#entries.has(entry.key) ? { cells: [cell], changes: [] } : NOTHING_TO_SHOW;
  }

  /** A stale answer that is none: the server has what was sent (the first answer was lost), or what is wanted now. */
  #isSettledBy(entry: Entry, sent: ChangeRequest, theirs: ServerCell): boolean {
    return sent.type === "cell" && (isAsWanted(entry.wanted, theirs) || sameContent(contentIn(sent), contentIn(theirs)));
  }
}

/** The request that would bring the server from `base` to what is wanted. */
export function requestOf({ wanted, base, seconds = 0 }: Entry): ChangeRequest {
  const timed = seconds > 0 ? { seconds: Math.round(seconds * 1000) / 1000 } : {};
  if (wanted.type === "rejection") return { type: "rejection", prediction: wanted.prediction, rejected: wanted.rejected, ...timed };
  const version = typeof base === "object" && base ? base.version : 0;
  const content = wanted.content ?? wanted.last;
  const request = { type: "cell", uuid: wanted.uuid, version, ...contentOf(content), deleted: wanted.content === null, ...timed } as const;
  // The server knows it locked, and wanted it is locked again and otherwise: it was unlocked in between, which must be said.
  const isLocked = typeof base === "object" && base?.locked === true;
  return isLocked && wanted.content?.locked === true ? { ...request, unlocked: true } : request;
}

function isOutlined(wanted: Wanted, change: Change): boolean {
  const before = wanted.type === "cell" ? wanted.content?.shape.kind : undefined;
  return before !== undefined && before !== "contour" && change.type === "cell" && change.after?.shape.kind === "contour";
}

function wantedOf(change: Change): Wanted {
  if (change.type === "rejection") return { type: "rejection", prediction: change.prediction, rejected: change.after };
  const last = change.after ?? change.before;
  if (last === null) throw new Error("a change from nothing to nothing");
  return { type: "cell", uuid: change.uuid, content: change.after, last };
}

function isAsWanted(wanted: Wanted, base: ServerCell | boolean | null): boolean {
  if (wanted.type === "rejection") return base === wanted.rejected;
  if (typeof base === "boolean") return false;
  return sameContent(wanted.content, base && contentIn(base));
}

function isWhatWasSent(wanted: Wanted, sent: ChangeRequest): boolean {
  if (wanted.type === "rejection") return sent.type === "rejection" && sent.rejected === wanted.rejected;
  return sent.type === "cell" && sameContent(wanted.content, contentIn(sent));
}

function contentIn(cell: CellContent & { readonly deleted: boolean }): CellContent | null {
  return cell.deleted ? null : contentOf(cell);
}
