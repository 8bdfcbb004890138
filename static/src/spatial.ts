/** Finds cells and predictions by place, fast: an R-tree of their bounds, kept in step with the store. */

import RBush from "rbush";

import type { Bounds, ImagePoint } from "./geometry/points";
import { imagePoint } from "./geometry/points";
import { area, bounds, contains } from "./shapes";
import type { Store } from "./store";
import type { Shape, Uuid } from "./types";

/** What was hit. */
export type Hit = { readonly type: "cell"; readonly uuid: Uuid } | { readonly type: "prediction"; readonly id: number };

interface Item {
  readonly minX: number;
  readonly minY: number;
  readonly maxX: number;
  readonly maxY: number;
  readonly area: number;
  readonly shape: Shape;
  readonly hit: Hit;
}

export class SpatialIndex {
  readonly #store: Store;
  readonly #tree = new RBush<Item>();
  readonly #items = new Map<Uuid | number, Item>();
  readonly #end: () => void;

  constructor(store: Store) {
    this.#store = store;
    const items = [
      ...Array.from(store.cells(), (cell) => itemOf(cell.shape, { type: "cell", uuid: cell.uuid })),
      ...Array.from(store.predictions(), (one) => itemOf(one.shape, { type: "prediction", id: one.id })),
    ];
    for (const item of items) this.#items.set(keyOf(item.hit), item);
    this.#tree.load(items);
    this.#end = store.on((event) => {
      if (event.type === "cells") for (const uuid of event.uuids) this.#renew({ type: "cell", uuid });
      if (event.type === "predictions") for (const id of event.ids) this.#renew({ type: "prediction", id });
    });
  }

  /** All that is shown at a place, the smallest first; `slack` field pixels beside a shape still count, after those it is in. */
  hits(point: ImagePoint, slack = 0): Hit[] {
    const { x, y } = point;
    return this.#tree
      .search({ minX: x - slack, minY: y - slack, maxX: x + slack, maxY: y + slack })
      .filter((item) => this.#isShown(item.hit))
      .map((item) => ({ item, inside: contains(item.shape, point) }))
      .filter(({ item, inside }) => inside || (slack > 0 && touches(item.shape, point, slack)))
      .sort((one, other) => Number(other.inside) - Number(one.inside) || one.item.area - other.item.area)
      .map(({ item }) => item.hit);
  }

  hit(point: ImagePoint, slack = 0): Hit | null {
    return this.hits(point, slack)[0] ?? null;
  }

  /** All that is shown and lies wholly inside: a selection by dragging a frame. */
  inside({ x0, y0, x1, y1 }: Bounds): Hit[] {
    return this.#tree
      .search({ minX: x0, minY: y0, maxX: x1, maxY: y1 })
      .filter((item) => item.minX >= x0 && item.minY >= y0 && item.maxX <= x1 && item.maxY <= y1)
      .filter((item) => this.#isShown(item.hit))
      .map((item) => item.hit);
  }

  /** All that is shown and whose bounds touch these: what has to be painted there. */
  touching({ x0, y0, x1, y1 }: Bounds): Hit[] {
    return this.#tree
      .search({ minX: x0, minY: y0, maxX: x1, maxY: y1 })
      .map((item) => item.hit)
      .filter((hit) => this.#isShown(hit));
  }

  stop(): void {
    this.#end();
  }

  #isShown(hit: Hit): boolean {
    if (hit.type === "cell") {
      const cell = this.#store.cell(hit.uuid);
      return cell !== undefined && this.#store.isCellShown(cell);
    }
    const prediction = this.#store.prediction(hit.id);
    return prediction !== undefined && this.#store.isShown(prediction);
  }

  #renew(hit: Hit): void {
    const before = this.#items.get(keyOf(hit));
    const shape = hit.type === "cell" ? this.#store.cell(hit.uuid)?.shape : this.#store.prediction(hit.id)?.shape;
    if (before?.shape === shape) return;
    if (before) {
      this.#tree.remove(before);
      this.#items.delete(keyOf(hit));
    }
    if (shape) {
      const item = itemOf(shape, hit);
      this.#tree.insert(item);
      this.#items.set(keyOf(hit), item);
    }
  }
}

function keyOf(hit: Hit): Uuid | number {
  return hit.type === "cell" ? hit.uuid : hit.id;
}

function itemOf(shape: Shape, hit: Hit): Item {
  const { x0, y0, x1, y1 } = bounds(shape);
  return { minX: x0, minY: y0, maxX: x1, maxY: y1, area: area(shape), shape, hit };
}

/** Whether the shape comes within `slack` of the place, looked for in eight directions. */
function touches(shape: Shape, point: ImagePoint, slack: number): boolean {
  for (let turn = 0; turn < 8; turn++) {
    const angle = (turn * Math.PI) / 4;
    if (contains(shape, imagePoint(point.x + slack * Math.cos(angle), point.y + slack * Math.sin(angle)))) return true;
  }
  return false;
}
