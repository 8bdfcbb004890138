/** What is on the field: cells, predictions, and what the person has selected and hidden. No page, no network. */

import type { Recent } from "./recent";
import { NONE_RECENT } from "./recent";
import type { Cell, CellContent, Change, Prediction, ServerCell, Uuid } from "./types";

export type StoreEvent =
  | { readonly type: "cells"; readonly uuids: readonly Uuid[] }
  | { readonly type: "predictions"; readonly ids: readonly number[] }
  | { readonly type: "selection" }
  | { readonly type: "view" };

export type Listener<Event> = (event: Event) => void;

/** What the person looks at and draws with; no change of a cell, so never undone and never saved. */
export interface View {
  /** Predictions below this score are hidden. */
  readonly threshold: number;
  readonly showPredictions: boolean;
  readonly showCells: boolean;
  readonly showLabels: boolean;
  readonly hiddenClasses: ReadonlySet<number>;
  /** Classes whose predictions alone are hidden. */
  readonly hiddenPredictions: ReadonlySet<number>;
  /** The class of what is drawn next; null before one is chosen. */
  readonly activeClass: number | null;
  /** The classes used last, each on a number key. */
  readonly recent: Recent;
  /** The radius of the circle drawn last, in field pixels: a click places one like it. */
  readonly radius: number;
  /** Circles are drawn across, from edge to edge; else from their middle. */
  readonly drawsAcross: boolean;
  /** A finger draws as a pen does; else it moves the field. */
  readonly fingerDraws: boolean;
}

export interface Selection {
  readonly cells: ReadonlySet<Uuid>;
  readonly predictions: ReadonlySet<number>;
}

const NOTHING: Selection = { cells: new Set(), predictions: new Set() };

export class Store {
  readonly #cells = new Map<Uuid, Cell>();
  /** Deleted cells, the one deleted last at the end. */
  readonly #trash = new Map<Uuid, Cell>();
  readonly #predictions = new Map<number, Prediction>();
  /** Which cell a prediction became: while that cell is alive the prediction is not offered. */
  readonly #accepted = new Map<number, Set<Uuid>>();
  readonly #rejected = new Set<number>();
  readonly #listeners = new Set<Listener<StoreEvent>>();
  #selection: Selection = NOTHING;
  #view: View;

  constructor(view: Partial<View> = {}) {
    this.#view = {
      threshold: 0.5,
      showPredictions: true,
      showCells: true,
      showLabels: true,
      hiddenClasses: new Set(),
      hiddenPredictions: new Set(),
      activeClass: null,
      recent: NONE_RECENT,
      radius: 20,
      drawsAcross: false,
      fingerDraws: false,
      ...view,
    };
  }

  /** Calls `listener` at each event; returns what ends that. */
  on(listener: Listener<StoreEvent>): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  get size(): number {
    return this.#cells.size;
  }

  cell(uuid: Uuid): Cell | undefined {
    return this.#cells.get(uuid);
  }

  cells(): IterableIterator<Cell> {
    return this.#cells.values();
  }

  /** Deleted cells that can be brought back, the one deleted last first. */
  trash(): Cell[] {
    return [...this.#trash.values()].reverse();
  }

  prediction(id: number): Prediction | undefined {
    return this.#predictions.get(id);
  }

  predictions(): IterableIterator<Prediction> {
    return this.#predictions.values();
  }

  isRejected(prediction: number): boolean {
    return this.#rejected.has(prediction);
  }

  /** Whether a person still has to decide about it: neither rejected nor a cell. */
  isOpen(prediction: number): boolean {
    return (
      this.#predictions.has(prediction) &&
      !this.#rejected.has(prediction) &&
      (this.#accepted.get(prediction)?.size ?? 0) === 0
    );
  }

  /** Whether it is open and the view shows it. */
  isShown(prediction: Prediction): boolean {
    const { showPredictions, threshold, hiddenClasses, hiddenPredictions } = this.#view;
    return (
      showPredictions &&
      prediction.score >= threshold &&
      !hiddenClasses.has(prediction.class) &&
      !hiddenPredictions.has(prediction.class) &&
      this.isOpen(prediction.id)
    );
  }

  shownPredictions(): Prediction[] {
    return [...this.#predictions.values()].filter((prediction) => this.isShown(prediction));
  }

  isCellShown(cell: Cell): boolean {
    return this.#view.showCells && !this.#view.hiddenClasses.has(cell.class);
  }

  get selection(): Selection {
    return this.#selection;
  }

  selectedCells(): Cell[] {
    return [...this.#selection.cells].flatMap((uuid) => this.#cells.get(uuid) ?? []);
  }

  selectedPredictions(): Prediction[] {
    return [...this.#selection.predictions].flatMap((id) => this.#predictions.get(id) ?? []);
  }

  /** Selects exactly these; what is not there (any more) is left out. */
  select(cells: Iterable<Uuid> = [], predictions: Iterable<number> = []): void {
    const wanted = {
      cells: new Set([...cells].filter((uuid) => this.#cells.has(uuid))),
      predictions: new Set([...predictions].filter((id) => this.isOpen(id))),
    };
    if (sameSet(wanted.cells, this.#selection.cells) && sameSet(wanted.predictions, this.#selection.predictions)) return;
    this.#selection = wanted;
    this.#emit({ type: "selection" });
  }

  get view(): View {
    return this.#view;
  }

  look(view: Partial<View>): void {
    this.#view = { ...this.#view, ...view };
    this.#emit({ type: "view" });
    this.select(this.#selection.cells, this.#selection.predictions);
  }

  /**
   * Replaces all predictions: those of another model, or those that were just made. Of one that was here before, what
   * the person decided stays: the server may not have heard of it yet.
   */
  setPredictions(predictions: readonly Prediction[]): void {
    const known = new Set(this.#predictions.keys());
    this.#predictions.clear();
    for (const prediction of predictions) {
      this.#predictions.set(prediction.id, prediction);
      if (!known.has(prediction.id) && prediction.rejected) this.#rejected.add(prediction.id);
    }
    this.#emit({ type: "predictions", ids: [...new Set([...known, ...this.#predictions.keys()])] });
    this.select(this.#selection.cells, this.#selection.predictions);
  }

  /** Does what the changes say and tells the listeners once. */
  apply(changes: readonly Change[]): void {
    const [uuids, ids] = [new Set<Uuid>(), new Set<number>()];
    for (const change of changes) {
      if (change.type === "rejection") {
        if (change.after) this.#rejected.add(change.prediction);
        else this.#rejected.delete(change.prediction);
        ids.add(change.prediction);
        continue;
      }
      const known = this.#cells.get(change.uuid) ?? this.#trash.get(change.uuid);
      if (change.after === null) this.#remove(change.uuid, ids);
      else this.#put({ ...born(change.after), ...known, uuid: change.uuid, ...change.after }, ids);
      uuids.add(change.uuid);
    }
    this.#tell(uuids, ids);
  }

  /** Takes cells as the server has them; the person's history does not know of it. */
  take(cells: readonly ServerCell[]): void {
    const [uuids, ids] = [new Set<Uuid>(), new Set<number>()];
    for (const cell of cells) {
      const { deleted, ...alive } = cell;
      if (deleted) this.#remove(cell.uuid, ids, alive);
      else this.#put(alive, ids);
      uuids.add(cell.uuid);
    }
    this.#tell(uuids, ids);
  }

  #put(cell: Cell, ids: Set<number>): void {
    this.#unlink(cell.uuid, ids);
    this.#cells.set(cell.uuid, cell);
    this.#trash.delete(cell.uuid);
    if (cell.prediction === null) return;
    const became = this.#accepted.get(cell.prediction) ?? new Set();
    this.#accepted.set(cell.prediction, became.add(cell.uuid));
    ids.add(cell.prediction);
  }

  #remove(uuid: Uuid, ids: Set<number>, cell = this.#cells.get(uuid)): void {
    this.#unlink(uuid, ids);
    this.#cells.delete(uuid);
    if (cell) this.#trash.set(uuid, cell);
  }

  #unlink(uuid: Uuid, ids: Set<number>): void {
    const prediction = this.#cells.get(uuid)?.prediction ?? null;
    if (prediction === null) return;
    this.#accepted.get(prediction)?.delete(uuid);
    ids.add(prediction);
  }

  #tell(uuids: ReadonlySet<Uuid>, ids: ReadonlySet<number>): void {
    if (uuids.size) this.#emit({ type: "cells", uuids: [...uuids] });
    if (ids.size) this.#emit({ type: "predictions", ids: [...ids] });
    if (uuids.size || ids.size) this.select(this.#selection.cells, this.#selection.predictions);
  }

  #emit(event: StoreEvent): void {
    for (const listener of this.#listeners) listener(event);
  }
}

/** What this page can say of a cell that the server has not seen. */
function born(content: CellContent): Pick<Cell, "version" | "provenance" | "author"> {
  return { version: 0, provenance: content.prediction === null ? "drawn" : "accepted", author: null };
}

function sameSet<Value>(one: ReadonlySet<Value>, other: ReadonlySet<Value>): boolean {
  return one.size === other.size && [...one].every((value) => other.has(value));
}
