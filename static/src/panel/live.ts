/** One line that says what happened: seen for a moment, and read out. */

import { byId } from "./dom";

const SHOWN_MS = 5000;

export class Live {
  readonly #line = byId("said", HTMLElement);
  #timer = 0;

  say(message: string): void {
    clearTimeout(this.#timer);
    // The same words again are read out again.
    this.#line.textContent = this.#line.textContent === message ? `${message}\u00a0` : message;
    this.#line.classList.add("shown");
    this.#timer = window.setTimeout(() => {
      this.#line.classList.remove("shown");
    }, SHOWN_MS);
  }
}
