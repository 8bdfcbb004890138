/** Starts to save for a page: opens the browser's database and channel, and listens to what the page goes through. */

import type { Store } from "../store";
import type { ServerCell } from "../types";
import { newUuid } from "../types";
import type { History } from "../undo";
import { openChannel } from "./channel";
import { openDatabase } from "./database";
import type { Database } from "./database";
import { REAL_CLOCK, Sync } from "./sync";
import { transportTo } from "./transport";

export type { Conflict, Refusal, SyncState, SyncStatus } from "./sync";
export { Sync } from "./sync";
export { csrfToken } from "./transport";

export interface Place {
  readonly project: string;
  readonly field: string;
  readonly reading: number;
}

/**
 * Resolves once the store shows the server's cells with all that could not be saved before put over them: show the
 * canvas then, not earlier. The store must have taken `cells` and the predictions.
 */
export async function startSync(
  place: Place,
  parts: { readonly store: Store; readonly history: History },
  cells: readonly ServerCell[],
): Promise<Sync> {
  const reading = `${place.project}/${place.field}/${place.reading}`;
  const owner = newUuid();
  const database = await openDatabase(reading, owner).catch((): Database | null => null);
  const channel = typeof BroadcastChannel === "undefined" ? null : openChannel(reading);
  const transport = transportTo(`/api/readings/${place.reading}/changes/`);
  const sync = await Sync.open({ ...parts, owner, database, channel, transport, clock: REAL_CLOCK }, cells);
  listen(sync);
  return sync;
}

function listen(sync: Sync): void {
  window.addEventListener("online", () => {
    sync.wake();
  });
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "hidden") sync.leave();
    else sync.wake();
  });
  window.addEventListener("pagehide", () => {
    sync.leave();
  });
  // Where the browser keeps nothing, leaving would lose what waits: then, and only then, the page asks.
  window.addEventListener("beforeunload", (event) => {
    const { isKept, waiting } = sync.status;
    if (!isKept && waiting > 0) event.preventDefault();
  });
}
