/** How long a person was active for what they just did: from one act to the next, pauses left out. */

/** A gap without any touch longer than this is no work: a telephone rang. */
export const IDLE_MS = 30_000;

export class ActiveClock {
  readonly #now: () => number;
  #last: number | null = null;
  #active = 0;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
    this.#last = now();
  }

  /** A hand moved, turned the wheel or pressed a key. */
  touch(): void {
    const now = this.#now();
    if (this.#last !== null && now - this.#last <= IDLE_MS) this.#active += now - this.#last;
    this.#last = now;
  }

  /** The page is hidden: what comes until the next touch is somebody else's. */
  leave(): void {
    if (this.#last === null) return;
    this.touch();
    this.#last = null;
  }

  /** Active seconds since they were taken last. */
  take(): number {
    if (this.#last !== null) this.touch();
    const seconds = this.#active / 1000;
    this.#active = 0;
    return seconds;
  }
}

/** Listens to all that hands do on the page. */
export function listenTo(clock: ActiveClock): void {
  for (const name of ["pointermove", "pointerdown", "wheel", "keydown", "input"]) {
    document.addEventListener(name, () => { clock.touch(); }, { capture: true, passive: true });
  }
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "hidden") clock.leave();
  });
}
