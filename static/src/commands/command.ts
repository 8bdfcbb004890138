/** What a command is, and all it may use. Every gesture is one; menu, shortcuts and help are made from their list. */

import type { Classes } from "../classes";
import type { Bounds, ImagePoint } from "../geometry/points";
import type { Picture } from "../outline";
import type { Store } from "../store";
import type { Change, ShapeKind } from "../types";
import type { History } from "../undo";

export type Tool = "select" | "circle" | "contour" | "box" | "add" | "subtract" | "split" | "ruler";
export type Group = "Tools" | "Cells" | "Classes" | "Predictions" | "History" | "View" | "Field";

/** What a command asks of the page: it looks and goes, and changes no cell. The canvas implements it. */
export interface Screen {
  readonly tool: Tool;
  choose(tool: Tool): void;
  /** The place that a command from the keyboard acts on: the middle of the view. */
  centre(): ImagePoint;
  /** Where the pointer is on the field; null where it is not over it. */
  pointer(): ImagePoint | null;
  /** Brings a place into view, closer if it is tiny on the screen. */
  show(bounds: Bounds): void;
  zoom(factor: number): void;
  fit(): void;
  /** One field pixel on one screen pixel. */
  actualSize(): void;
  /** By shares of the view: pan(0.2, 0) looks further right. */
  pan(dx: number, dy: number): void;
  /** The own pixels of a part of the field, in whole pixels; null where the picture is not there or cannot be read. */
  pixels(part: Bounds): Picture | null;
  /** A short message for a moment, also read out. */
  say(message: string): void;
  ask(question: string): Promise<boolean>;
  findClass(): void;
  /** Opens the palette of classes and actions. */
  openPalette(): void;
  showShortcuts(): void;
  predict(): void;
  finish(): void;
  /** The screening grid and the adjusted view. */
  screen(what: "next" | "previous" | "toggle" | "adjusted"): void;
  /** A length was measured, in field pixels; null: none is. */
  measured(pixels: number | null): void;
  /** A person chose from which score on predictions are shown. */
  scored(score: number): void;
  go(where: "previous" | "next"): void;
}

export interface Context {
  readonly store: Store;
  readonly history: History;
  readonly classes: Classes;
  readonly field: { readonly width: number; readonly height: number; readonly um_per_px: number | null };
  readonly weakShape: Exclude<ShapeKind, "contour">;
  /** False where the reading is submitted, someone else's, or the person may only look. */
  readonly mayEdit: boolean;
  readonly screen: Screen;
  /** Takes one step back or forth; the changes are saved like any others. */
  undo(): void;
  redo(): void;
}

interface Described {
  /** For code and events: "cell.delete". */
  readonly name: string;
  /** For people: "Delete the selected cells". */
  readonly title: string;
  readonly group: Group;
  /** As keyOf writes them: "Ctrl+Z". The first is the one that is shown. */
  readonly keys: readonly string[];
  /** Whether it changes cells, so is not offered where nothing may be changed. */
  readonly edits: boolean;
}

/** Something a key or a menu entry does; it acts on what is selected. */
export interface Command extends Described {
  enabled?(context: Context): boolean;
  /** A question to be asked first; null where none is needed. */
  question?(context: Context): string | null;
  perform(context: Context): readonly Change[];
}

/** Something a hand does on the canvas or in a list: it brings what it acts on. */
export interface Gesture<Argument> extends Described {
  /** How the hand does it: "Drag from the middle of the cell". */
  readonly how: string;
  perform(context: Context, argument: Argument): readonly Change[];
}

/** Thrown by a command that cannot do what was asked; the message says why and what to do. Nothing has changed. */
export class CannotBeDone extends Error {}
