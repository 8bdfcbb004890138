/**
 * Keeps what is to be saved in the browser, so that it outlives a killed tab.
 *
 * Each record belongs to one tab (its owner): two tabs on one reading keep apart what they changed. A tab asks before
 * each request whether the records are still its own, for another one may have taken them over believing it dead.
 */

import type { Entry } from "./queue";

/** All of one reading; `owner` is this tab. */
export interface Database {
  /** Writes these entries as mine and removes those of these keys. */
  write(entries: readonly Entry[], gone: readonly string[]): Promise<void>;
  /** Writes those entries that are still mine and returns their keys. */
  claim(entries: readonly Entry[]): Promise<Set<string>>;
  /** The other tabs that have records here. */
  others(): Promise<string[]>;
  /** Makes the records of these tabs mine, oldest first, but for keys that I have: those stay where they are. */
  adopt(owners: readonly string[], have: ReadonlySet<string>): Promise<Entry[]>;
  /** Puts entries back as if a tab that is gone had left them. */
  leave(entries: readonly Entry[]): Promise<void>;
  close(): void;
}

interface Kept {
  readonly reading: string;
  readonly owner: string;
  readonly key: string;
  /** Counts up: entries are sent in the order in which they were made. */
  readonly order: number;
  readonly entry: Entry;
}

const NAME = "marrowloop";
const STORE = "changes";

/** `reading` names the reading for this browser: address of the server's project, field and reading. */
export async function openDatabase(reading: string, owner: string, factory = indexedDB): Promise<Database> {
  const opening = factory.open(NAME, 1);
  opening.onupgradeneeded = () => {
    opening.result.createObjectStore(STORE, { keyPath: ["reading", "owner", "key"] });
  };
  const database = await answerOf(opening);
  // A newer version of this page may want to change the store: it must not wait for this tab to be closed.
  database.onversionchange = () => {
    database.close();
  };
  return new Records(database, reading, owner);
}

class Records implements Database {
  readonly #database: IDBDatabase;
  readonly #reading: string;
  readonly #owner: string;
  readonly #orders = new Map<string, number>();
  #order = 0;

  constructor(database: IDBDatabase, reading: string, owner: string) {
    this.#database = database;
    this.#reading = reading;
    this.#owner = owner;
  }

  async write(entries: readonly Entry[], gone: readonly string[]): Promise<void> {
    await this.#within((store) => {
      for (const key of gone) {
        this.#orders.delete(key);
        store.delete([this.#reading, this.#owner, key]);
      }
      for (const entry of entries) store.put(this.#kept(entry));
      return Promise.resolve();
    });
  }

  async claim(entries: readonly Entry[]): Promise<Set<string>> {
    const mine = new Set<string>();
    await this.#within(async (store) => {
      const kept = await answerOf(store.getAllKeys(this.#range(this.#owner)));
      const keys = new Set(kept.map((path) => (path as [string, string, string])[2]));
      for (const entry of entries.filter(({ key }) => keys.has(key))) {
        store.put(this.#kept(entry));
        mine.add(entry.key);
      }
    });
    return mine;
  }

  async others(): Promise<string[]> {
    const keys = await this.#within((store) => answerOf(store.getAllKeys(this.#range())));
    const owners = keys.map((key) => (key as [string, string, string])[1]);
    return [...new Set(owners)].filter((owner) => owner !== this.#owner);
  }

  async adopt(owners: readonly string[], have: ReadonlySet<string>): Promise<Entry[]> {
    const dead = new Set(owners);
    const adopted = new Map<string, Entry>();
    await this.#within(async (store) => {
      const all = (await answerOf(store.getAll(this.#range()))) as Kept[];
      const left = all.filter(({ owner }) => dead.has(owner)).sort((one, other) => one.order - other.order);
      for (const kept of left) {
        if (have.has(kept.key) || adopted.has(kept.key)) continue;
        adopted.set(kept.key, kept.entry);
        store.delete([kept.reading, kept.owner, kept.key]);
        store.put(this.#kept(kept.entry));
      }
    });
    return [...adopted.values()];
  }

  async leave(entries: readonly Entry[]): Promise<void> {
    await this.#within((store) => {
      for (const entry of entries) store.put({ ...this.#kept(entry), owner: `${this.#owner}/left` });
      return Promise.resolve();
    });
  }

  close(): void {
    this.#database.close();
  }

  #kept(entry: Entry): Kept {
    const order = this.#orders.get(entry.key) ?? ++this.#order;
    this.#orders.set(entry.key, order);
    return { reading: this.#reading, owner: this.#owner, key: entry.key, order, entry };
  }

  #range(...owner: string[]): IDBKeyRange {
    return IDBKeyRange.bound([this.#reading, ...owner], [this.#reading, ...owner, []]);
  }

  async #within<Answer>(work: (store: IDBObjectStore) => Promise<Answer>): Promise<Answer> {
    const transaction = this.#database.transaction(STORE, "readwrite");
    const ended = new Promise<void>((resolve, reject) => {
      transaction.oncomplete = () => {
        resolve();
      };
      transaction.onabort = transaction.onerror = () => {
        reject(transaction.error ?? new Error("the browser's database broke off"));
      };
    });
    const [answer] = await Promise.all([work(transaction.objectStore(STORE)), ended]);
    return answer;
  }
}

function answerOf<Answer>(request: IDBRequest<Answer>): Promise<Answer> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => {
      resolve(request.result);
    };
    request.onerror = () => {
      reject(request.error ?? new Error("the browser's database did not answer"));
    };
  });
}
