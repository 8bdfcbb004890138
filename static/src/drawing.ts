/** What a person draws with, from field to field: the size of the last circle, how circles are drawn, what a finger does. */

import { prefer, preference } from "./page";
import type { Store } from "./store";
import type { Cell, FieldInfo } from "./types";

/** Half the breadth of a usual cell of the marrow: 14 µm across. */
const USUAL_UM = 7;
const SMALLEST = 2;

/**
 * The radius of the next circle where none was drawn yet: that of the last one on another field of the project, else of a
 * usual cell; where the scale is unknown that of the circles here, else a hundredth of the field.
 */
export function firstRadius(field: FieldInfo, cells: Iterable<Pick<Cell, "shape">>, kept: string | null): number {
  const { um_per_px: scale, width, height } = field;
  const last = Number(kept);
  if (last > 0) return Math.max(SMALLEST, scale === null ? last : last / scale);
  if (scale !== null) return USUAL_UM / scale;
  const radii = [...cells].flatMap(({ shape }) => (shape.kind === "circle" ? [shape.points[2] ?? 0] : [])).sort((one, other) => one - other);
  return radii[radii.length >> 1] ?? Math.max(6, Math.max(width, height) / 100);
}

/** Takes what the person drew with last, and keeps what changes: in this browser. */
export function rememberDrawing(store: Store, field: FieldInfo, project: string): void {
  const { um_per_px: scale } = field;
  const name = `radius:${project}:${scale === null ? "px" : "um"}`;
  store.look({
    radius: firstRadius(field, store.cells(), preference(name)),
    drawsAcross: preference("draws-across") === "yes",
    fingerDraws: preference("finger-draws") === "yes",
  });
  let before = store.view;
  store.on((event) => {
    if (event.type !== "view") return;
    const { view } = store;
    if (view.radius !== before.radius) prefer(name, String(view.radius * (scale ?? 1)));
    if (view.drawsAcross !== before.drawsAcross) prefer("draws-across", view.drawsAcross ? "yes" : "no");
    if (view.fingerDraws !== before.fingerDraws) prefer("finger-draws", view.fingerDraws ? "yes" : "no");
    before = view;
  });
}
