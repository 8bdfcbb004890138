/** All layers of the field, kept in step with the store: what changes is painted, and nothing else. */

import type { Classes } from "../classes";
import type { Bounds } from "../geometry/points";
import { bounds, handles } from "../shapes";
import type { SpatialIndex } from "../spatial";
import type { Store, StoreEvent } from "../store";
import type { CellContent, FieldInfo, Prediction, Shape, Uuid } from "../types";
import type { Viewport } from "../viewport";
import type { Scene, Sketch } from "./overlay";
import { OverlayLayer } from "./overlay";
import { PictureLayer } from "./picture";
import { SheetLayer } from "./sheet";
import type { Drawn } from "./styles";
import { Brush } from "./styles";

interface Parts {
  readonly store: Store;
  readonly index: SpatialIndex;
  readonly classes: Classes;
  readonly viewport: Viewport;
  readonly field: FieldInfo;
  /** Where the script is found that adjusts what is seen. */
  readonly adjust: string;
}

/** Beside the name of a locked cell: finished. */
const LOCKED = "✓";

export class Canvas {
  readonly picture: PictureLayer;
  readonly #parts: Parts;
  readonly #cells: SheetLayer<Drawn>;
  readonly #predictions: SheetLayer<Drawn>;
  /** Where each cell and prediction was painted last: there it has to be wiped off. */
  readonly #painted = new Map<Uuid | number, Bounds>();
  #hiddenCells: ReadonlySet<Uuid> = new Set();
  #hiddenPrediction: number | null = null;
  #sketch: Sketch | null = null;
  #hovered: Shape | null = null;
  #withHandles = false;
  #view: unknown;

  constructor(parts: Parts) {
    this.#parts = parts;
    const { viewport, store, field, classes } = parts;
    const brush = new Brush(classes);
    const repaint = (): void => {
      viewport.repaint();
    };
    this.picture = new PictureLayer(field, parts.adjust, repaint);
    this.#predictions = new SheetLayer(
      field,
      {
        within: (bounds) => this.#predictionsWithin(bounds),
        paint: (context, found, place) => {
          brush.paint(context, found, "prediction", place, store.view.showLabels);
        },
      },
      repaint,
    );
    this.#cells = new SheetLayer(
      field,
      {
        within: (bounds) => this.#cellsWithin(bounds),
        paint: (context, found, place) => {
          brush.paint(context, found, "cell", place, store.view.showLabels);
        },
      },
      repaint,
    );
    const overlay = new OverlayLayer(brush, () => this.#scene());
    [this.picture.paint, this.#predictions.paint, this.#cells.paint, overlay.paint].forEach((painter, zIndex) => {
      viewport.addPainter(painter, zIndex);
    });
    this.#view = store.view;
    for (const cell of store.cells()) this.#painted.set(cell.uuid, bounds(cell.shape));
    for (const one of store.predictions()) this.#painted.set(one.id, bounds(one.shape));
    store.on((event) => {
      this.#follow(event);
    });
  }

  /** Shows what a hand is doing; null: nothing. */
  sketch(sketch: Sketch | null): void {
    this.#sketch = sketch;
    this.#parts.viewport.repaint();
  }

  hover(shape: Shape | null): void {
    if (this.#hovered === shape) return;
    this.#hovered = shape;
    this.#parts.viewport.repaint();
  }

  /** Whether what is selected can be taken hold of. */
  showHandles(shown: boolean): void {
    this.#withHandles = shown;
    this.#parts.viewport.repaint();
  }

  /** Leaves these out while their sketch is shown in their place. */
  hide(cells: readonly Uuid[], prediction: number | null = null): void {
    const before = [...this.#hiddenCells];
    this.#hiddenCells = new Set(cells);
    for (const uuid of new Set([...before, ...cells])) this.#renewCell(uuid);
    const predictions = [this.#hiddenPrediction, prediction];
    this.#hiddenPrediction = prediction;
    for (const id of predictions) if (id !== null) this.#renewPrediction(id);
  }

  #scene(): Scene {
    const { store } = this.#parts;
    const cells = store.selectedCells().filter((cell) => !this.#hiddenCells.has(cell.uuid) && store.isCellShown(cell));
    const predictions = store.selectedPredictions().filter((one) => one.id !== this.#hiddenPrediction);
    const selected = [
      ...cells.map((cell) => ({ thing: this.#drawnCell(cell), look: "cell" as const })),
      ...predictions.map((one) => ({ thing: drawnPrediction(this.#parts.classes, one), look: "prediction" as const })),
    ];
    const [only] = selected;
    const isFree = this.#withHandles && this.#sketch === null;
    return {
      selected,
      handles: isFree && only && selected.length === 1 && !cells[0]?.locked ? handles(only.thing.shape) : [],
      hovered: this.#sketch === null ? this.#hovered : null,
      sketch: this.#sketch,
    };
  }

  #follow(event: StoreEvent): void {
    if (event.type === "cells") for (const uuid of event.uuids) this.#renewCell(uuid);
    else if (event.type === "predictions") this.#followPredictions(event.ids);
    else if (event.type === "view") this.#followView();
    else this.#parts.viewport.repaint();
  }

  #followPredictions(ids: readonly number[]): void {
    for (const id of ids) this.#renewPrediction(id);
  }

  /** The class and radius of what is drawn next change nothing that is painted. */
  #followView(): void {
    const { view } = this.#parts.store;
    const before = this.#view as typeof view;
    this.#view = view;
    const changed = (name: keyof typeof view): boolean => view[name] !== before[name];
    const all = changed("showLabels") || changed("hiddenClasses");
    if (all || changed("showCells")) this.#cells.renewAll();
    if (all || changed("showPredictions") || changed("threshold") || changed("hiddenPredictions")) this.#predictions.renewAll();
  }

  #renewCell(uuid: Uuid): void {
    this.#renew(this.#cells, uuid, this.#parts.store.cell(uuid)?.shape);
  }

  #renewPrediction(id: number): void {
    this.#renew(this.#predictions, id, this.#parts.store.prediction(id)?.shape);
  }

  #renew(layer: SheetLayer<Drawn>, key: Uuid | number, shape: Shape | undefined): void {
    const before = this.#painted.get(key);
    const now = shape && bounds(shape);
    if (before) layer.renew(before);
    if (now && !(before && sameBounds(before, now))) layer.renew(now);
    if (now) this.#painted.set(key, now);
    else this.#painted.delete(key);
  }

  #cellsWithin(within: Bounds): Drawn[] {
    const { index, store } = this.#parts;
    return index.touching(within).flatMap((hit) => {
      if (hit.type !== "cell" || this.#hiddenCells.has(hit.uuid)) return [];
      const cell = store.cell(hit.uuid);
      return cell ? [this.#drawnCell(cell)] : [];
    });
  }

  #predictionsWithin(within: Bounds): Drawn[] {
    const { index, store, classes } = this.#parts;
    return index.touching(within).flatMap((hit) => {
      if (hit.type !== "prediction" || hit.id === this.#hiddenPrediction) return [];
      const prediction = store.prediction(hit.id);
      return prediction ? [drawnPrediction(classes, prediction)] : [];
    });
  }

  #drawnCell(cell: CellContent): Drawn {
    const key = this.#parts.classes.get(cell.class)?.key ?? "";
    return { shape: cell.shape, class: cell.class, label: cell.locked ? `${key} ${LOCKED}` : key };
  }
}

function drawnPrediction(classes: Classes, { shape, class: number, score }: Prediction): Drawn {
  return { shape, class: number, label: `${classes.get(number)?.key ?? ""} ${score.toFixed(2)}` };
}

function sameBounds(one: Bounds, other: Bounds): boolean {
  return one.x0 === other.x0 && one.y0 === other.y0 && one.x1 === other.x1 && one.y1 === other.y1;
}
