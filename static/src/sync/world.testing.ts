/** A world for the tests of saving: a server, other people, a network that fails in every way, tabs that are killed. */

import { IDBFactory } from "fake-indexeddb";

import { Store } from "../store";
import type { CellContent, Change, ChangeRequest, ChangeResult, ServerCell, Uuid } from "../types";
import { contentOf, sameContent } from "../types";
import { History } from "../undo";
import type { Channel, Message } from "./channel";
import type { Database } from "./database";
import { openDatabase } from "./database";
import type { Clock } from "./sync";
import { Sync } from "./sync";
import type { Outcome, Transport } from "./transport";

/** Classes that the server does not take: by themselves, or so that it cannot read the whole list. */
export const REFUSED_CLASS = 99;
export const UNREADABLE_CLASS = 98;

export type Network = "up" | "down" | "answer lost" | "late";

/** The API as the contract has it, and all it ever stored. */
export class Server {
  readonly cells = new Map<Uuid, ServerCell>();
  readonly rejected = new Set<number>();
  /** Every content that was stored, by cell, in order; null for a deletion. */
  readonly stored = new Map<Uuid, (CellContent | null)[]>();
  requests = 0;
  open = 0;
  mostOpen = 0;
  largest = 0;

  receive(changes: readonly ChangeRequest[]): Outcome {
    this.requests++;
    this.largest = Math.max(this.largest, changes.length);
    if (changes.some((change) => change.type === "cell" && change.class === UNREADABLE_CLASS)) {
      return { type: "unreadable", message: "Some values cannot be." };
    }
    return { type: "answered", results: changes.map((change) => this.#one(change)) };
  }

  /** Another person changes a cell. */
  change(uuid: Uuid, content: CellContent | null): void {
    const cell = this.cells.get(uuid);
    if (cell) this.#put({ ...cell, ...(content ?? {}), deleted: content === null, version: cell.version + 1 });
  }

  #one(change: ChangeRequest): ChangeResult {
    if (change.type === "rejection") {
      if (change.rejected) this.rejected.add(change.prediction);
      else this.rejected.delete(change.prediction);
      return { status: "saved" };
    }
    const content = change.deleted ? null : contentOf(change);
    const cell = this.cells.get(change.uuid);
    const version = cell?.version ?? 0;
    if (cell && version === change.version + 1 && sameContent(content, cell.deleted ? null : contentOf(cell))) {
      return { status: "saved", cell };
    }
    if (change.class === REFUSED_CLASS) return { status: "refused", message: "This class is not of this project." };
    if (cell && version !== change.version) return { status: "stale", cell };
    return { status: "saved", cell: this.#put({ provenance: "drawn", author: "me", ...change, version: version + 1 }) };
  }

  #put(cell: ServerCell): ServerCell {
    this.cells.set(cell.uuid, cell);
    const contents = this.stored.get(cell.uuid) ?? [];
    this.stored.set(cell.uuid, [...contents, cell.deleted ? null : contentOf(cell)]);
    return cell;
  }
}

/** One load of the page. */
export class Tab {
  readonly store = new Store();
  readonly history = new History();
  isAlive = true;
  readonly #timers = new Map<number, { at: number; work: () => void }>();
  readonly #thawed: (() => void)[] = [];
  #isFrozen = false;
  #now = 0;
  #next = 0;
  sync!: Sync;

  readonly clock: Clock = {
    after: (milliseconds, work) => {
      const id = this.#next++;
      this.#timers.set(id, { at: this.#now + milliseconds, work });
      return () => this.#timers.delete(id);
    },
    random: () => 0.5,
  };

  get isFrozen(): boolean {
    return this.#isFrozen;
  }

  /** Runs what is due within so many milliseconds, each with time to end. */
  async advance(milliseconds: number): Promise<void> {
    const until = this.#now + milliseconds;
    while (this.isAlive && !this.#isFrozen) {
      const [next] = [...this.#timers].sort(([, one], [, other]) => one.at - other.at);
      if (!next || next[1].at > until) break;
      this.#timers.delete(next[0]);
      this.#now = Math.max(this.#now, next[1].at);
      next[1].work();
      await settled();
    }
    this.#now = until;
  }

  /** Lets time pass until the work is done. */
  async clockRuns(work: Promise<unknown>): Promise<void> {
    const state = { isDone: false };
    void work.finally(() => (state.isDone = true));
    await settled();
    while (!state.isDone) {
      await this.advance(50);
      await settled();
    }
  }

  /** Nothing runs in it any more, as if the browser had ended its process. */
  kill(): void {
    this.isAlive = false;
    this.#timers.clear();
  }

  freeze(): void {
    this.#isFrozen = true;
  }

  thaw(): void {
    this.#isFrozen = false;
    for (const go of this.#thawed.splice(0)) go();
  }

  /** Resolves when the tab may run; never for one that was killed. */
  async running(): Promise<void> {
    if (!this.isAlive) await new Promise(() => undefined);
    if (this.#isFrozen) await new Promise<void>((resolve) => this.#thawed.push(resolve));
    if (!this.isAlive) await new Promise(() => undefined);
  }

  edit(changes: readonly Change[]): void {
    this.store.apply(changes);
    this.sync.add(changes);
  }
}

/** The browser with its tabs, its database, and the way to the server. */
export class World {
  readonly server = new Server();
  readonly tabs: Tab[] = [];
  network: Network = "up";
  readonly #factory = new IDBFactory();
  readonly #late: (readonly ChangeRequest[])[] = [];
  readonly #channels = new Map<Tab, (message: Message) => void>();

  constructor(cells: readonly ServerCell[] = []) {
    for (const cell of cells) {
      this.server.cells.set(cell.uuid, cell);
      this.server.stored.set(cell.uuid, [contentOf(cell)]);
    }
  }

  get alive(): Tab[] {
    return this.tabs.filter((tab) => tab.isAlive);
  }

  /** Loads the page: the server's cells, and over them what waits in the browser. */
  async open(): Promise<Tab> {
    const tab = new Tab();
    this.tabs.push(tab);
    const cells = [...this.server.cells.values()];
    tab.store.take(cells);
    const owner = `tab ${this.tabs.length}`;
    const database = counted(await openDatabase("reading", owner, this.#factory));
    const { store, history, clock } = tab;
    const parts = { store, history, clock, owner, database, channel: this.#channel(tab), transport: this.#way(tab) };
    const opening = Sync.open(parts, cells).then((sync) => (tab.sync = sync));
    // Opening waits for other tabs to answer: let that time pass while it does.
    const passing = tab.clockRuns(opening);
    await Promise.all([opening, passing]);
    return tab;
  }

  /** Requests that were held up somewhere arrive now. */
  deliver(): void {
    for (const changes of this.#late.splice(0)) this.server.receive(changes);
  }

  async advance(milliseconds: number): Promise<void> {
    await settled();
    for (const tab of this.alive) await tab.advance(milliseconds);
    await settled();
  }

  /** How many records the browser keeps, of all tabs. */
  async kept(): Promise<number> {
    const database = await openDatabase("reading", "onlooker", this.#factory);
    const { length } = await database.others();
    database.close();
    return length;
  }

  #way(tab: Tab): Transport {
    let open = 0;
    return async (changes) => {
      await tab.running();
      this.server.mostOpen = Math.max(this.server.mostOpen, ++open);
      // Not the objects of the page: what came by a network shares nothing with it.
      const outcome = structuredClone(this.#carried(structuredClone(changes)));
      await settled(2);
      await tab.running();
      open--;
      return outcome;
    };
  }

  #carried(changes: readonly ChangeRequest[]): Outcome {
    const lost: Outcome = { type: "failed", problem: "The server cannot be reached." };
    if (this.network === "up") return this.server.receive(changes);
    if (this.network === "answer lost") this.server.receive(changes);
    if (this.network === "late") this.#late.push(changes);
    return lost;
  }

  #channel(tab: Tab): Channel {
    return {
      post: (message) => {
        if (!tab.isAlive) return;
        for (const [other, listener] of this.#channels) {
          if (other === tab) continue;
          void other.running().then(() => {
            listener(structuredClone(message));
          });
        }
      },
      listen: (listener) => {
        this.#channels.set(tab, listener);
      },
      close: () => {
        this.#channels.delete(tab);
      },
    };
  }
}

declare function setImmediate(work: () => void): void;

let transactions = 0;

/** Counts what the database is busy with. */
function counted(database: Database): Database {
  const during = async <Answer>(work: Promise<Answer>): Promise<Answer> => {
    transactions++;
    try {
      return await work;
    } finally {
      transactions--;
    }
  };
  return {
    write: (entries, gone) => during(database.write(entries, gone)),
    claim: (entries) => during(database.claim(entries)),
    others: () => during(database.others()),
    adopt: (owners, have) => during(database.adopt(owners, have)),
    leave: (entries) => during(database.leave(entries)),
    close: () => {
      database.close();
    },
  };
}

/** Lets the browser's database and everything that waits for it go on. */
export async function settled(turns = 5): Promise<void> {
  for (let idle = 0; idle < turns; idle = transactions > 0 ? 0 : idle + 1) {
    await new Promise<void>((resolve) => {
      setImmediate(resolve);
    });
  }
}

let made = 0;

/** A content that no other edit has. */
export function content(cellClass = 1): CellContent {
  made++;
  const shape = { kind: "circle", points: [50 + (made % 100), 50, 10] } as const;
  return { class: cellClass, shape, attributes: { edit: made }, prediction: null, locked: false };
}

export function serverCell(uuid: Uuid, of: CellContent = content()): ServerCell {
  return { uuid, version: 1, provenance: "drawn", author: "me", deleted: false, ...of };
}
