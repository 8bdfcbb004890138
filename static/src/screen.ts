/** What commands ask of the page, answered by the canvas, the dialogs and the addresses of other fields. */

import type { Screen, Tool } from "./commands";
import type { Bounds, ImagePoint } from "./geometry/points";
import type { Picture } from "./outline";
import { ask } from "./panel/dialogs";
import type { Hands } from "./tools/hands";
import type { Viewport } from "./viewport";

export interface Doors {
  readonly say: (message: string) => void;
  readonly findClass: () => void;
  readonly openPalette: () => void;
  readonly showShortcuts: () => void;
  readonly predict: () => void;
  readonly finish: () => void;
  readonly screen: (what: "next" | "previous" | "toggle" | "adjusted") => void;
  readonly measured: (pixels: number | null) => void;
  readonly scored: (score: number) => void;
  readonly go: (where: "previous" | "next") => void;
  readonly pixels: (part: Bounds) => Picture | null;
  /** The tool has changed. */
  readonly chosen: (tool: Tool) => void;
}

export class PageScreen implements Screen {
  readonly #viewport: Viewport;
  readonly #handsOf: () => Hands;
  readonly #doors: Doors;

  /** The hands need the commands and the commands a screen: so hands are asked for when they are needed. */
  constructor(viewport: Viewport, handsOf: () => Hands, doors: Doors) {
    this.#viewport = viewport;
    this.#handsOf = handsOf;
    this.#doors = doors;
  }

  get tool(): Tool {
    return this.#handsOf().tool;
  }

  choose(tool: Tool): void {
    this.#handsOf().choose(tool);
    this.#doors.chosen(tool);
  }

  centre(): ImagePoint {
    return this.#viewport.centre();
  }

  pointer(): ImagePoint | null {
    return this.#handsOf().pointer;
  }

  show(bounds: Bounds): void {
    this.#viewport.show(bounds);
  }

  zoom(factor: number): void {
    this.#viewport.zoom(factor);
  }

  fit(): void {
    this.#viewport.fit();
  }

  actualSize(): void {
    this.#viewport.actualSize();
  }

  pan(dx: number, dy: number): void {
    this.#viewport.pan(dx, dy);
  }

  pixels(part: Bounds): Picture | null {
    return this.#doors.pixels(part);
  }

  say(message: string): void {
    this.#doors.say(message);
  }

  ask(question: string): Promise<boolean> {
    return ask(question);
  }

  findClass(): void {
    this.#doors.findClass();
  }

  openPalette(): void {
    this.#doors.openPalette();
  }

  showShortcuts(): void {
    this.#doors.showShortcuts();
  }

  predict(): void {
    this.#doors.predict();
  }

  finish(): void {
    this.#doors.finish();
  }

  screen(what: "next" | "previous" | "toggle" | "adjusted"): void {
    this.#doors.screen(what);
  }

  measured(pixels: number | null): void {
    this.#doors.measured(pixels);
  }

  scored(score: number): void {
    this.#doors.scored(score);
  }

  go(where: "previous" | "next"): void {
    this.#doors.go(where);
  }
}
