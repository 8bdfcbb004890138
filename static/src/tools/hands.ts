/** The pointer on the field: hands what it does to the tool in use, and moves the field itself. */

import type { Tool as ToolName } from "../commands";
import type { ImagePoint } from "../geometry/points";
import { contains, scaled } from "../shapes";
import type { Shape } from "../types";
import { ContourTool } from "./contour";
import { commit } from "./pulling";
import { RulerTool } from "./ruler";
import { SelectTool } from "./select";
import type { Grip, Only, Parts, Pointer, Tool } from "./tool";
import { onlySelected } from "./tool";
import { WeakTool } from "./weak";

/** A hand trembles: so many screen pixels are still a click. */
const TREMBLE = 3;
const STEP = 1.05;
const SMALLEST = 2;
const LARGEST = 500;
/** Turns of the wheel within this time are one change. */
const WHEEL_MS = 350;
const MIDDLE_BUTTON = 1;

interface Hold {
  readonly id: number;
  readonly from: Pointer;
  /** null: the field. */
  readonly grip: Grip | null;
  readonly isClick: boolean;
  last: Pointer;
  moved: boolean;
}

export class Hands {
  readonly #parts: Parts;
  readonly #tools: Record<ToolName, Tool>;
  readonly #onHover: (pointer: Pointer | null) => void;
  #name: ToolName = "select";
  #hold: Hold | null = null;
  #space: "up" | "down" | "used" = "up";
  /** Fingers on the glass, and those of a hand that rests there while a pen draws. */
  readonly #fingers = new Set<number>();
  readonly #palm = new Set<number>();
  #last: ImagePoint | null = null;
  #wheel: { readonly only: Only; shape: Shape; timer: number } | null = null;

  constructor(parts: Parts, onHover: (pointer: Pointer | null) => void) {
    this.#parts = parts;
    this.#onHover = onHover;
    this.#tools = {
      select: new SelectTool(parts),
      circle: new WeakTool(parts, "circle"),
      box: new WeakTool(parts, "box"),
      contour: new ContourTool(parts, "contour"),
      ruler: new RulerTool(parts),
      add: new ContourTool(parts, "add"),
      subtract: new ContourTool(parts, "subtract"),
      split: new ContourTool(parts, "split"),
    };
    const { element } = parts.viewport;
    for (const name of ["pointerdown", "pointermove", "pointerup", "pointercancel"] as const) {
      element.addEventListener(name, (event) => {
        this.#touched(event);
      }, { capture: true });
    }
    element.addEventListener("pointerdown", (event) => {
      this.#down(event);
    });
    element.addEventListener("pointermove", (event) => {
      this.#move(event);
    });
    element.addEventListener("pointerup", (event) => {
      this.#up(event);
    });
    element.addEventListener("pointercancel", () => {
      this.cancel();
    });
    element.addEventListener("pointerleave", () => {
      if (this.#hold) return;
      this.#last = null;
      this.#tool.out?.();
      this.#onHover(null);
    });
    element.addEventListener("dblclick", (event) => {
      this.#tool.doubleClick?.(this.#pointer(event));
    });
    // Else the browser scrolls by itself.
    element.addEventListener("mousedown", (event) => {
      if (event.button === MIDDLE_BUTTON) event.preventDefault();
    });
    element.addEventListener("wheel", (event) => {
      this.#turn(event);
    }, { capture: true, passive: false });
    this.#dress();
  }

  get tool(): ToolName {
    return this.#name;
  }

  /** Where the pointer is, if it is over the field. */
  get pointer(): ImagePoint | null {
    return this.#last;
  }

  choose(name: ToolName): void {
    if (name === this.#name) return;
    this.cancel();
    this.#tool.leave?.();
    this.#name = name;
    this.#dress();
  }

  /** True where the tool itself needs the key. */
  key(key: string): boolean {
    return this.#tool.key?.(key) ?? false;
  }

  /** Space is held: the pointer moves the field, whatever the tool. */
  pressSpace(): void {
    if (this.#space === "up") this.#space = "down";
    this.#dress();
  }

  /** Whether it was a mere key and moved nothing. */
  releaseSpace(): boolean {
    const wasKey = this.#space === "down";
    this.#space = "up";
    this.#dress();
    return wasKey;
  }

  cancel(): void {
    const hold = this.#hold;
    this.#hold = null;
    if (hold === null) return;
    if (hold.grip) hold.grip.cancel();
    else this.#parts.viewport.endHold();
    this.#dress();
  }

  get #tool(): Tool {
    return this.#tools[this.#name];
  }

  #pointer(event: MouseEvent): Pointer {
    const { viewport } = this.#parts;
    const screen = viewport.screenOf(event);
    const kind = event instanceof PointerEvent ? event.pointerType : "mouse";
    const by = kind === "pen" || kind === "touch" ? kind : "mouse";
    return { at: viewport.toImage(screen), screen, shift: event.shiftKey, alt: event.altKey, by };
  }

  /** Counts fingers. A hand that rests on the glass while a pen draws is none: nobody hears of it, nor of its pinching. */
  #touched(event: PointerEvent): void {
    if (event.pointerType !== "touch") return;
    const { pointerId: id, type } = event;
    if (type === "pointerdown") (this.#hold?.from.by === "pen" ? this.#palm : this.#fingers).add(id);
    if (this.#palm.has(id)) event.stopPropagation();
    if (type === "pointerup" || type === "pointercancel") {
      this.#fingers.delete(id);
      this.#palm.delete(id);
    }
  }

  #down(event: PointerEvent): void {
    // A pen that comes while a finger moves the field takes over; a second finger ends what the first one did: they pinch.
    if (this.#hold) this.cancel();
    if (this.#fingers.size > 1 && event.pointerType === "touch") return;
    if (event.button !== 0 && event.button !== MIDDLE_BUTTON) return;
    this.#settleWheel();
    const pointer = this.#pointer(event);
    const panning = event.button === MIDDLE_BUTTON || this.#space !== "up";
    if (this.#space === "down") this.#space = "used";
    const grip = panning || this.#isForMoving(pointer) ? null : this.#tool.press(pointer);
    this.#parts.viewport.element.setPointerCapture(event.pointerId);
    this.#hold = { id: event.pointerId, from: pointer, grip, isClick: !panning, last: pointer, moved: false };
    if (grip === null) this.#parts.viewport.beginHold();
    this.#dress();
  }

  /** A finger moves the field, and its tap is a click; unless the person has no pen and lets it draw. */
  #isForMoving({ by }: Pointer): boolean {
    return by === "touch" && !this.#parts.workbench.context.store.view.fingerDraws;
  }

  #move(event: PointerEvent): void {
    const pointer = this.#pointer(event);
    const hold = this.#hold;
    this.#last = pointer.at;
    if (hold === null) {
      if (pointer.by === "touch") return;
      this.#tool.hover?.(pointer);
      this.#onHover(pointer);
      return;
    }
    if (event.pointerId !== hold.id) return;
    const [dx, dy] = [pointer.screen.x - hold.from.screen.x, pointer.screen.y - hold.from.screen.y];
    if (!hold.moved && Math.hypot(dx, dy) <= TREMBLE) return;
    hold.moved = true;
    if (hold.grip) hold.grip.move(pointer);
    else this.#parts.viewport.shift(pointer.screen.x - hold.last.screen.x, pointer.screen.y - hold.last.screen.y);
    hold.last = pointer;
  }

  #up(event: PointerEvent): void {
    const hold = this.#hold;
    if (hold?.id !== event.pointerId) return;
    this.#hold = null;
    const pointer = this.#pointer(event);
    if (hold.grip) {
      hold.grip.release(pointer, hold.moved);
    } else {
      this.#parts.viewport.endHold();
      if (!hold.moved && hold.isClick) this.#tap(hold, pointer);
    }
    this.#dress();
  }

  /** What a press and a release in one place mean to the tool. */
  #tap({ from }: Hold, pointer: Pointer): void {
    const grip = this.#isForMoving(pointer) && this.#name !== "select" ? this.#tool.press(from) : null;
    if (grip) grip.release(pointer, false);
    else this.#tool.click(pointer);
  }

  /** With Alt or Shift the wheel changes the size of what is selected, or of the circle that a click would place. */
  #turn(event: WheelEvent): void {
    if (!event.altKey && !event.shiftKey) return;
    event.preventDefault();
    event.stopPropagation();
    const { workbench, canvas } = this.#parts;
    const { store, mayEdit } = workbench.context;
    if (!mayEdit) return;
    const factor = (event.deltaY || event.deltaX) < 0 ? STEP : 1 / STEP;
    const only = onlySelected(this.#parts);
    const pointer = this.#pointer(event);
    // While circles are drawn, one that is not under the pointer is left alone: the next one is meant.
    if (only === null || (this.#name === "circle" && !contains(only.shape, pointer.at))) {
      store.look({ radius: Math.min(LARGEST, Math.max(SMALLEST, store.view.radius * factor)) });
      this.#tool.hover?.(pointer);
      return;
    }
    const before = this.#wheel?.shape ?? only.shape;
    if (this.#wheel) clearTimeout(this.#wheel.timer);
    else canvas.hide(only.type === "cell" ? [only.uuid] : [], only.type === "cell" ? null : only.id);
    const shape = scaled(before, factor);
    const timer = window.setTimeout(() => {
      this.#settleWheel();
    }, WHEEL_MS);
    this.#wheel = { only, shape, timer };
    canvas.sketch({ shapes: [{ shape, class: only.class, label: "" }], look: "cell" });
  }

  #settleWheel(): void {
    const wheel = this.#wheel;
    if (wheel === null) return;
    this.#wheel = null;
    clearTimeout(wheel.timer);
    this.#parts.canvas.sketch(null);
    this.#parts.canvas.hide([]);
    commit(this.#parts, wheel.only, wheel.shape);
  }

  #dress(): void {
    const { element } = this.#parts.viewport;
    const isPanning = this.#space !== "up" || (this.#hold !== null && this.#hold.grip === null);
    element.dataset.tool = isPanning ? "pan" : this.#name;
    element.dataset.held = String(this.#hold !== null);
    this.#parts.canvas.showHandles(this.#parts.workbench.context.mayEdit);
  }
}
