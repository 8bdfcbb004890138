/** Saves what was changed; filled in next. */

import type { Change, CellContent, ServerCell, Uuid } from "../types";

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
}

export interface Sync {
  readonly status: SyncStatus;
  on(listener: (status: SyncStatus) => void): () => void;
  /** Queues changes that the store has already applied. */
  add(changes: readonly Change[]): void;
  /** Sends mine again, upon the version that is theirs. */
  keepMine(key: string): void;
  /** Gives mine up; the store then shows theirs. */
  takeTheirs(key: string): void;
  /** Gives a refused change up; the store then shows what the server has. */
  discard(key: string): void;
  /** Tries now instead of at the next turn, refused changes too. */
  retry(): void;
  /** Resolves once nothing waits (true), or cannot be sent now (false): before a reading is finished. */
  flush(): Promise<boolean>;
  stop(): void;
}
