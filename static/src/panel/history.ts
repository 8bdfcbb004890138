/** The way from a selected cell to all that became of it. */

import type { Store } from "../store";
import { byId } from "./dom";

/** Shown for one selected cell that the server has. */
export function bindHistory(store: Store): void {
  const link = byId("cell-history", HTMLAnchorElement);
  const address = link.href;
  const show = (): void => {
    const cells = store.selectedCells();
    const cell = cells.length === 1 && cells[0] && cells[0].version > 0 ? cells[0] : undefined;
    link.hidden = cell === undefined;
    if (cell) link.href = `${address}?cell=${cell.uuid}`;
  };
  store.on((event) => {
    if (event.type !== "view") show();
  });
  show();
}
