/** Deleted cells are brought back from the trash: the last one, or any of the list in the panel. */

import { bounds } from "../shapes";
import type { Cell, Change, Uuid } from "../types";
import { contentOf } from "../types";
import type { Command, Context, Gesture } from "./command";

export const restoreLast: Command = {
  name: "trash.restore",
  title: "Bring back the cell that was deleted last",
  group: "Cells",
  keys: ["Shift+R"],
  edits: true,
  enabled: ({ store }) => store.trash().length > 0,
  perform(context) {
    const [last] = context.store.trash();
    return last ? restored(context, [last]) : [];
  },
};

export const restoreCells: Gesture<{ readonly uuids: readonly Uuid[] }> = {
  name: "cell.restore",
  title: "Bring deleted cells back",
  group: "Cells",
  keys: [],
  how: "Choose them in the trash",
  edits: true,
  perform(context, { uuids }) {
    const wanted = new Set(uuids);
    return restored(context, context.store.trash().filter((cell) => wanted.has(cell.uuid)));
  },
};

/** A prediction that was rejected along with its cell is not rejected any more. */
function restored({ store, screen }: Context, cells: readonly Cell[]): Change[] {
  const [first] = cells;
  if (first) screen.show(bounds(first.shape));
  const predictions = cells.flatMap((cell) => cell.prediction ?? []).filter((id) => store.isRejected(id));
  return [
    ...cells.map((cell): Change => ({ type: "cell", uuid: cell.uuid, before: null, after: contentOf(cell) })),
    ...predictions.map((prediction): Change => ({ type: "rejection", prediction, before: true, after: false })),
  ];
}
