/**
 * The window through which the field is seen: pan, zoom, and the one place where y is turned over.
 *
 * OpenLayers counts y upwards from the lower edge; everything of ours counts downwards from the upper one.
 */

import { defaults as defaultInteractions } from "ol/interaction/defaults";
import Layer from "ol/layer/Layer";
import OpenLayersMap from "ol/Map";
import Projection from "ol/proj/Projection";
import View from "ol/View";

import type { Bounds, ImagePoint, ScreenPoint } from "./geometry/points";
import { imagePoint, screenPoint } from "./geometry/points";

/** Closer than 32 screen pixels to a field pixel there is nothing more to see. */
const CLOSEST = 1 / 32;
/** What `show` brings into view covers at least so many screen pixels. */
const READABLE = 24;
const GLIDE_MS = 160;
/** The wheel: a notch of 120 px zooms by 1.3. A trackpad's pinch comes as a wheel with Ctrl and a tenth of that. */
const PER_PX = 0.0022;
const MOST = 240;
const PINCH = 8;
const LINE_PX = 40;
const WHEEL_MS = 120;

/** What part of the field is drawn where: for layers that draw in field pixels. */
export interface Placement {
  /** CSS pixels of the window. */
  readonly width: number;
  readonly height: number;
  /** Screen pixels for one field pixel. */
  readonly scale: number;
  /** The field's place at the upper left corner of the window. */
  readonly left: number;
  readonly top: number;
  /** Device pixels for one CSS pixel. */
  readonly ratio: number;
  /** A gesture or a glide is going on: what is costly may wait. */
  readonly isMoving: boolean;
}

/** Draws itself; returns its element. */
export type Painter = (placement: Placement) => HTMLElement;

export class Viewport {
  readonly #map: OpenLayersMap;
  readonly #view: View;
  readonly #height: number;
  readonly #width: number;
  /** The timer that ends a turn of the wheel; 0 while it stands still. */
  #wheel = 0;

  constructor(target: HTMLElement, field: { readonly width: number; readonly height: number }) {
    this.#width = field.width;
    this.#height = field.height;
    const extent: [number, number, number, number] = [0, 0, field.width, field.height];
    this.#view = new View({
      projection: new Projection({ code: "field", units: "pixels", extent }),
      center: [field.width / 2, field.height / 2],
      resolution: 1,
      minResolution: CLOSEST,
      maxResolution: Math.max(1, (4 * Math.max(field.width, field.height)) / 1000),
      constrainResolution: false,
      enableRotation: false,
      extent,
      constrainOnlyCenter: true,
      smoothExtentConstraint: false,
      smoothResolutionConstraint: false,
      showFullExtent: true,
    });
    this.#map = new OpenLayersMap({
      target,
      view: this.#view,
      controls: [],
      // Pinch is OpenLayers'; what a pointer or a key does is decided by the tools. Its wheel waits 80 ms before it
      // answers, so the wheel is ours.
      interactions: defaultInteractions({
        mouseWheelZoom: false,
        altShiftDragRotate: false,
        pinchRotate: false,
        doubleClickZoom: false,
        dragPan: false,
        keyboard: false,
        shiftDragZoom: false,
        zoomDuration: GLIDE_MS,
      }),
    });
    // A test that reads the canvas is told at which scale it was painted: the view itself is a frame or a glide ahead.
    this.#map.on("postrender", ({ frameState }) => {
      if (frameState) target.dataset.scale = String(1 / frameState.viewState.resolution);
    });
    this.element.addEventListener(
      "wheel",
      (event) => {
        event.preventDefault();
        this.#turn(event);
      },
      { passive: false },
    );
  }

  /** Where pointers are listened to. */
  get element(): HTMLElement {
    const element = this.#map.getViewport();
    if (element === undefined) throw new Error("The window is closed.");
    return element;
  }

  /** Screen pixels for one field pixel. */
  get scale(): number {
    return 1 / (this.#view.getResolution() ?? 1);
  }

  addPainter(painter: Painter, zIndex: number): void {
    const layer = new Layer({
      zIndex,
      render: (frame) => {
        const [x = 0, y = 0] = frame.viewState.center;
        const [width = 0, height = 0] = frame.size;
        const { resolution } = frame.viewState;
        return painter({
          width,
          height,
          scale: 1 / resolution,
          left: x - (width / 2) * resolution,
          top: this.#height - y - (height / 2) * resolution,
          ratio: frame.pixelRatio,
          isMoving: frame.viewHints.some((hint) => hint > 0),
        });
      },
    });
    this.#map.addLayer(layer);
  }

  /** Asks the painters to paint at the next frame. */
  repaint(): void {
    this.#map.render();
  }

  /** Calls `listener` whenever the window has moved over the field. */
  onMove(listener: () => void): void {
    this.#view.on(["change:center", "change:resolution"], listener);
  }

  /** Where an event of the pointer happened. */
  screenOf(event: { readonly clientX: number; readonly clientY: number }): ScreenPoint {
    const { left, top } = this.element.getBoundingClientRect();
    return screenPoint(event.clientX - left, event.clientY - top);
  }

  toImage({ x, y }: ScreenPoint): ImagePoint {
    const [left, top] = this.#corner();
    return imagePoint(left + x / this.scale, top + y / this.scale);
  }

  toScreen({ x, y }: ImagePoint): ScreenPoint {
    const [left, top] = this.#corner();
    return screenPoint((x - left) * this.scale, (y - top) * this.scale);
  }

  /** The part of the field that the window shows. */
  window(): Bounds {
    const [width, height] = this.#size();
    const [x0, y0] = this.#corner();
    return { x0, y0, x1: x0 + width / this.scale, y1: y0 + height / this.scale };
  }

  /** Shows exactly this part, as large as the window allows, but no larger than life. */
  frame({ x0, y0, x1, y1 }: Bounds): void {
    const [width, height] = this.#size();
    const scale = Math.min((width - 24) / (x1 - x0), (height - 24) / (y1 - y0), 1);
    this.#glide({ center: [(x0 + x1) / 2, this.#height - (y0 + y1) / 2], resolution: 1 / Math.max(scale, 1e-3) });
  }

  centre(): ImagePoint {
    const [x = 0, y = 0] = this.#view.getCenter() ?? [];
    return imagePoint(x, this.#height - y);
  }

  fit(): void {
    const [width, height] = this.#size();
    const scale = Math.min((width - 16) / this.#width, (height - 16) / this.#height);
    this.#view.setResolution(1 / Math.max(scale, 1e-3));
    this.#view.setCenter([this.#width / 2, this.#height / 2]);
  }

  actualSize(): void {
    this.#glide({ resolution: 1 });
  }

  zoom(factor: number): void {
    this.#glide({ resolution: Math.max(CLOSEST, 1 / (this.scale * factor)) });
  }

  /** At once, and so that what lies under `at` stays there. */
  zoomAt(factor: number, at: ScreenPoint): void {
    const fixed = this.toImage(at);
    const resolution = Math.min(this.#view.getMaxResolution(), Math.max(CLOSEST, 1 / (this.scale * factor)));
    const [width, height] = this.#size();
    this.#view.cancelAnimations();
    this.#view.setResolution(resolution);
    this.#centreOn(fixed.x + (width / 2 - at.x) * resolution, fixed.y + (height / 2 - at.y) * resolution);
  }

  /** By shares of the window. */
  pan(dx: number, dy: number): void {
    const [width, height] = this.#size();
    this.shift((-dx * width) | 0, (-dy * height) | 0);
  }

  /** Moves the field by screen pixels, as a hand does that has taken hold of it. */
  shift(dx: number, dy: number): void {
    const { x, y } = this.centre();
    const resolution = 1 / this.scale;
    this.#view.cancelAnimations();
    this.#centreOn(x - dx * resolution, y - dy * resolution);
  }

  beginHold(): void {
    this.#view.beginInteraction();
  }

  endHold(): void {
    this.#view.endInteraction();
  }

  /** Brings a place into view, closer if it is tiny on the screen. */
  show(bounds: Bounds): void {
    const [width, height] = this.#size();
    const size = Math.max(bounds.x1 - bounds.x0, bounds.y1 - bounds.y0, 1);
    const one = this.toScreen(imagePoint(bounds.x0, bounds.y0));
    const other = this.toScreen(imagePoint(bounds.x1, bounds.y1));
    const isInside = one.x > 24 && one.y > 24 && other.x < width - 24 && other.y < height - 24;
    const isReadable = size * this.scale >= READABLE;
    if (isInside && isReadable) return;
    const tight = (Math.min(width, height) * 0.6) / size;
    const scale = Math.min(isReadable ? this.scale : Math.max(this.scale, (3 * READABLE) / size), tight);
    const centre = [(bounds.x0 + bounds.x1) / 2, this.#height - (bounds.y0 + bounds.y1) / 2];
    this.#glide({ center: centre, resolution: 1 / scale });
  }

  #centreOn(x: number, y: number): void {
    const [left, top] = [Math.min(this.#width, Math.max(0, x)), Math.min(this.#height, Math.max(0, y))];
    this.#view.setCenter([left, this.#height - top]);
  }

  /** While the wheel turns, what is costly waits: the cells are painted anew a moment after its last notch. */
  #turn(event: WheelEvent): void {
    const lines = event.deltaMode === WheelEvent.DOM_DELTA_PIXEL ? 1 : LINE_PX;
    const delta = event.deltaY * lines * (event.ctrlKey ? PINCH : 1);
    if (this.#wheel === 0) this.beginHold();
    clearTimeout(this.#wheel);
    this.#wheel = window.setTimeout(() => {
      this.#wheel = 0;
      this.endHold();
    }, WHEEL_MS);
    this.zoomAt(Math.exp(-Math.max(-MOST, Math.min(MOST, delta)) * PER_PX), this.screenOf(event));
  }

  #glide(to: { center?: number[]; resolution?: number }): void {
    this.#view.cancelAnimations();
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) {
      if (to.resolution !== undefined) this.#view.setResolution(to.resolution);
      if (to.center !== undefined) this.#view.setCenter(to.center);
    } else {
      this.#view.animate({ ...to, duration: GLIDE_MS });
    }
  }

  #corner(): [number, number] {
    const [width, height] = this.#size();
    const { x, y } = this.centre();
    return [x - width / 2 / this.scale, y - height / 2 / this.scale];
  }

  #size(): [number, number] {
    const [width = 1, height = 1] = this.#map.getSize() ?? [];
    return [Math.max(1, width), Math.max(1, height)];
  }
}
