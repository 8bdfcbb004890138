/**
 * Saves what was changed: a queue in this browser, one request at a time, again and again until it is answered.
 *
 * An edit is written to the browser's database at once and sent a moment later. Whatever fails is kept: what the
 * network lost is sent again, what someone else changed waits for a choice, what the server refuses is named.
 */

import type { Store } from "../store";
import type { CellContent, Change, ChangeRequest, ServerCell, Uuid } from "../types";
import { contentOf } from "../types";
import type { History } from "../undo";
import type { Channel, Message } from "./channel";
import type { Database } from "./database";
import type { Entry, Shown } from "./queue";
import { Queue } from "./queue";
import type { Transport } from "./transport";

export type SyncState = "saved" | "saving" | "offline" | "conflict" | "refused";

/** The cell was changed by someone else meanwhile: mine waits until the person has chosen. */
export interface Conflict {
  readonly key: string;
  readonly uuid: Uuid;
  /** null: I deleted it. */
  readonly mine: CellContent | null;
  readonly theirs: ServerCell;
}

/** The server does not take the change; it is kept until the person mends or discards it. */
export interface Refusal {
  readonly key: string;
  readonly uuid: Uuid | null;
  readonly prediction: number | null;
  readonly message: string;
}

export interface SyncStatus {
  readonly state: SyncState;
  /** Changes that are not on the server yet, those in conflict and refused included. */
  readonly waiting: number;
  readonly conflicts: readonly Conflict[];
  readonly refusals: readonly Refusal[];
  /** Seconds until the next attempt, when offline. */
  readonly retryIn: number | null;
  /** Why the last attempt failed, in plain words; null when it did not. */
  readonly problem: string | null;
  /** False where this browser keeps nothing: what waits is lost with the tab. */
  readonly isKept: boolean;
}

/** Timers, so that tests need not wait. */
export interface Clock {
  after(milliseconds: number, work: () => void): () => void;
  random(): number;
}

export interface Parts {
  readonly store: Store;
  readonly history: History;
  /** This tab, a new name for each page load. */
  readonly owner: string;
  /** null where the browser has none. */
  readonly database: Database | null;
  readonly channel: Channel | null;
  readonly transport: Transport;
  readonly clock: Clock;
}

/** The API takes no more in one request. */
export const BATCH = 500;
/** Edits of a moment go together; short enough that nobody waits for "saved". */
const GATHER_MS = 250;
const FIRST_RETRY_MS = 1_000;
const LAST_RETRY_MS = 30_000;
/** Tabs on the same machine answer in a few milliseconds, unless they are frozen or gone. */
const ANSWER_MS = 200;
/** How often to look for what a dead tab has left. */
const ADOPT_MS = 15_000;

export const REAL_CLOCK: Clock = {
  after(milliseconds, work) {
    const timer = setTimeout(work, milliseconds);
    return () => {
      clearTimeout(timer);
    };
  },
  random: () => Math.random(),
};

export class Sync {
  readonly #parts: Parts;
  readonly #queue = new Queue();
  readonly #listeners = new Set<(status: SyncStatus) => void>();
  readonly #alive = new Set<string>();
  /** What of the queue is not in the database as it is. */
  readonly #dirty = new Set<string>();
  #writing: Promise<void> | null = null;
  #isKept: boolean;
  #isBusy = false;
  #isStopped = false;
  #isLeaving = false;
  #problem: string | null = null;
  #failures = 0;
  #retryMs: number | null = null;
  /** Fewer at a time once the server could not read a list: so the one at fault is found. */
  #limit = BATCH;
  #cancelTurn: (() => void) | null = null;
  #cancelAdopt: (() => void) | null = null;

  private constructor(parts: Parts) {
    this.#parts = parts;
    this.#isKept = parts.database !== null;
    parts.channel?.listen((message) => {
      this.#hear(message);
    });
  }

  /** Learns the server's cells, puts over them what earlier tabs could not save, and begins to send that. */
  static async open(parts: Parts, cells: readonly ServerCell[]): Promise<Sync> {
    const sync = new Sync(parts);
    sync.#queue.learn(cells);
    await sync.#adopt();
    sync.#adoptLater();
    return sync;
  }

  get status(): SyncStatus {
    const [conflicts, refusals]: [Conflict[], Refusal[]] = [[], []];
    for (const { key, wanted, trouble } of this.#queue.entries()) {
      const uuid = wanted.type === "cell" ? wanted.uuid : null;
      if (trouble?.type === "stale" && wanted.type === "cell") {
        conflicts.push({ key, uuid: wanted.uuid, mine: wanted.content, theirs: trouble.theirs });
      } else if (trouble?.type === "refused") {
        const prediction = wanted.type === "rejection" ? wanted.prediction : wanted.last.prediction;
        refusals.push({ key, uuid, prediction, message: trouble.message });
      }
    }
    return {
      state: this.#stateWith(conflicts.length, refusals.length),
      waiting: this.#queue.size,
      conflicts,
      refusals,
      retryIn: this.#retryMs === null ? null : Math.ceil(this.#retryMs / 1000),
      problem: this.#problem,
      isKept: this.#isKept,
    };
  }

  on(listener: (status: SyncStatus) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Queues changes that the store has already applied; `seconds`: how long the person was active for them. */
  add(changes: readonly Change[], seconds = 0): void {
    // Of what was done to many at once each took a part.
    for (const change of changes) this.#dirty.add(this.#queue.add(change, seconds / changes.length));
    this.#keep();
    this.#sendIn(GATHER_MS);
    this.#tell();
  }

  /** Sends mine again, upon the version that is theirs. */
  keepMine(key: string): void {
    this.#queue.keepMine(key);
    this.#goOn([key]);
  }

  /** Gives mine up; the store then shows theirs. What was done to the cell before can no longer be undone. */
  takeTheirs(key: string): void {
    this.#giveUp(key);
  }

  /** Gives a refused change up; the store then shows what the server has. */
  discard(key: string): void {
    this.#giveUp(key);
  }

  /** Tries now instead of at the next turn, what was refused too: the server may have been mended. */
  retry(): void {
    this.#failures = 0;
    this.#retryMs = null;
    this.#goOn(this.#queue.retryRefused());
  }

  /** The network is back, or the page comes to the front: tries now. */
  wake(): void {
    this.#isLeaving = false;
    this.#failures = 0;
    this.#sendIn(0);
    void this.#adopt();
  }

  /** The page is being left: sends what it can. The rest is kept and sent when the reading is opened again. */
  leave(): void {
    this.#isLeaving = true;
    this.#sendIn(0);
  }

  /** Resolves once nothing waits (true), or what waits cannot be sent now (false): before a reading is finished. */
  async flush(): Promise<boolean> {
    this.#problem = null;
    this.#sendIn(0);
    if (this.#stateNow() !== "saving") return this.#stateNow() === "saved";
    return new Promise((resolve) => {
      const end = this.on((status) => {
        if (status.state === "saving") return;
        end();
        resolve(status.state === "saved");
      });
    });
  }

  /** Resolves when all that was changed so far is in the browser's database. */
  async kept(): Promise<void> {
    while (this.#writing !== null) await this.#writing;
  }

  stop(): void {
    this.#isStopped = true;
    this.#cancelTurn?.();
    this.#cancelAdopt?.();
    this.#listeners.clear();
    this.#parts.channel?.close();
    void this.kept().then(() => {
      this.#parts.database?.close();
    });
  }

  #stateNow(): SyncState {
    return this.status.state;
  }

  #stateWith(conflicts: number, refusals: number): SyncState {
    if (conflicts > 0) return "conflict";
    if (refusals > 0) return "refused";
    if (this.#queue.size === 0) return "saved";
    return this.#problem === null ? "saving" : "offline";
  }

  #goOn(keys: readonly string[]): void {
    for (const key of keys) this.#dirty.add(key);
    this.#keep();
    this.#sendIn(0);
    this.#tell();
  }

  #giveUp(key: string): void {
    const shown = this.#queue.giveUp(key);
    const uuids = [...shown.cells, ...shown.changes].flatMap((one) => ("uuid" in one ? one.uuid : []));
    this.#parts.history.forget(new Set(uuids));
    this.#show(shown);
    this.#goOn([key]);
  }

  #show({ cells, changes }: Shown): void {
    if (cells.length) this.#parts.store.take(cells);
    if (changes.length) this.#parts.store.apply(changes);
  }

  #tell(): void {
    if (this.#listeners.size === 0) return;
    const status = this.status;
    for (const listener of [...this.#listeners]) listener(status);
  }

  /** Brings the database to what the queue is: at once, or with what is written next. */
  #keep(): void {
    const { database } = this.#parts;
    if (database !== null) this.#writing ??= this.#writeTo(database).finally(() => (this.#writing = null));
  }

  async #writeTo(database: Database): Promise<void> {
    while (this.#dirty.size > 0) {
      const keys = [...this.#dirty];
      this.#dirty.clear();
      const entries = keys.flatMap((key) => this.#queue.get(key) ?? []);
      const gone = keys.filter((key) => this.#queue.get(key) === undefined);
      try {
        await database.write(entries, gone);
        this.#isKept = true;
      } catch {
        // Perhaps the disk is full. What is open in this tab is still sent, and written with the next edit.
        for (const key of keys) this.#dirty.add(key);
        this.#isKept = false;
        this.#tell();
        return;
      }
    }
  }

  /** At most one turn is planned; a turn planned earlier than `milliseconds` from now stays. */
  #sendIn(milliseconds: number): void {
    if (this.#isStopped || this.#isBusy) return;
    // After a failure edits do not hurry the next attempt; only `retry` and `wake` do.
    if (this.#cancelTurn !== null && milliseconds > 0) return;
    this.#cancelTurn?.();
    if (!this.#queue.isWaiting) {
      this.#cancelTurn = null;
      return;
    }
    this.#cancelTurn = this.#parts.clock.after(milliseconds, () => {
      this.#cancelTurn = null;
      void this.#turn();
    });
  }

  async #turn(): Promise<void> {
    if (this.#isBusy || this.#isStopped) return;
    this.#isBusy = true;
    this.#retryMs = null;
    let wait = 0;
    try {
      // Only what the database has can be claimed in it. Nothing may come between the end of this wait and the claim.
      await this.kept();
      const taken = await this.#claimed(this.#queue.take(this.#limit));
      if (taken.length > 0) wait = await this.#send(taken);
    } finally {
      this.#isBusy = false;
    }
    if (wait > 0) this.#retryMs = wait;
    this.#sendIn(wait);
    this.#tell();
  }

  /** Of what is to be sent, what no other tab has taken over. It is in the database as it is sent. */
  async #claimed<Taken extends Entry>(taken: Taken[]): Promise<Taken[]> {
    const { database } = this.#parts;
    if (database === null || !this.#isKept) return taken;
    try {
      const mine = await database.claim(taken);
      for (const entry of taken) if (!mine.has(entry.key)) this.#queue.release(entry.key);
      return taken.filter((entry) => mine.has(entry.key));
    } catch {
      this.#isKept = false;
      return taken;
    }
  }

  /** Sends and takes the answer in; returns the milliseconds to wait before the next turn. */
  async #send(taken: (Entry & { readonly sent: ChangeRequest })[]): Promise<number> {
    const requests = taken.map((entry) => entry.sent);
    const outcome = await this.#parts.transport(requests, this.#isLeaving);
    // A stopped tab takes no answer in: its successor asks again.
    if (this.#stopped()) return 0;
    if (outcome.type === "failed") {
      this.#problem = outcome.problem;
      const grown = Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** this.#failures++);
      return grown * (0.8 + 0.4 * this.#parts.clock.random());
    }
    this.#problem = null;
    this.#failures = 0;
    if (outcome.type === "unreadable") {
      this.#limit = Math.max(1, Math.floor(taken.length / 2));
      if (taken.length > 1) return 0;
    } else {
      this.#limit = Math.min(BATCH, this.#limit * 2);
    }
    this.#take(taken, outcome.type === "answered" ? outcome.results : [{ status: "refused", message: outcome.message }]);
    return 0;
  }

  #take(taken: readonly Entry[], results: readonly Parameters<Queue["answer"]>[1][]): void {
    const shown = taken.flatMap((entry, index) => {
      const result = results[index];
      this.#dirty.add(entry.key);
      return result ? [this.#queue.answer(entry.key, result)] : [];
    });
    this.#keep();
    const cells = shown.flatMap((one) => one.cells);
    this.#show({ cells, changes: [] });
    if (cells.length) this.#parts.channel?.post({ type: "stored", from: this.#parts.owner, cells });
  }

  #stopped(): boolean {
    return this.#isStopped;
  }

  #hear(message: Message): void {
    const { channel, owner, store, history } = this.#parts;
    if (message.from === owner || this.#isStopped) return;
    if (message.type === "who") channel?.post({ type: "here", from: owner });
    else if (message.type === "here") this.#alive.add(message.from);
    else {
      const free = this.#queue.learn(message.cells);
      history.forget(new Set(free.map((cell) => cell.uuid)));
      store.take(free);
    }
  }

  /** Takes over what tabs that are gone have left, and shows it. */
  async #adopt(): Promise<void> {
    const { database, clock, owner, channel, store } = this.#parts;
    if (database === null || this.#isStopped) return;
    try {
      if ((await database.others()).length === 0) return;
      this.#alive.clear();
      channel?.post({ type: "who", from: owner });
      await new Promise<void>((resolve) => clock.after(channel ? ANSWER_MS : 0, resolve));
      const left = (await database.others()).filter((other) => !this.#alive.has(other));
      if (left.length === 0 || this.#stopped()) return;
      const have = new Set([...this.#queue.entries()].map((entry) => entry.key));
      const adopted = await database.adopt(left, have);
      // What was changed here in this very moment goes first; the other waits until that is saved.
      const later = adopted.filter((entry) => this.#queue.get(entry.key) !== undefined);
      if (later.length) await database.leave(later);
      const now = adopted.filter((entry) => !later.includes(entry));
      for (const entry of now) this.#queue.adopt(entry);
      store.apply(now.map((entry) => changeTo(entry, store)));
    } catch {
      this.#isKept = false;
    }
    this.#sendIn(0);
    this.#tell();
  }

  #adoptLater(): void {
    this.#cancelAdopt = this.#parts.clock.after(ADOPT_MS, () => {
      void this.#adopt();
      this.#adoptLater();
    });
  }
}

/** The change that makes the store show what the entry wants. */
function changeTo({ wanted }: Entry, store: Store): Change {
  if (wanted.type === "rejection") {
    const before = store.isRejected(wanted.prediction);
    return { type: "rejection", prediction: wanted.prediction, before, after: wanted.rejected };
  }
  const cell = store.cell(wanted.uuid);
  return { type: "cell", uuid: wanted.uuid, before: cell ? contentOf(cell) : null, after: wanted.content };
}
