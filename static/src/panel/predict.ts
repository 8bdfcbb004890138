/** "Predict on this field now": asks for a run, waits for it, shows what it found. */

import type { Api } from "../api";
import { ApiError } from "../api";
import type { PredictionsInfo } from "../api";

const FIRST_MS = 250;
const LONGEST_MS = 2000;
const PATIENCE_MS = 10 * 60_000;

export class PredictNow {
  readonly #api: Api;
  readonly #say: (message: string) => void;
  readonly #found: (found: PredictionsInfo) => void;
  #isBusy = false;

  constructor(api: Api, say: (message: string) => void, found: (found: PredictionsInfo) => void) {
    this.#api = api;
    this.#say = say;
    this.#found = found;
  }

  get isBusy(): boolean {
    return this.#isBusy;
  }

  async start(): Promise<void> {
    if (this.#isBusy) {
      this.#say("The model is looking at this field already.");
      return;
    }
    this.#isBusy = true;
    this.#say("The model is looking at this field.");
    try {
      const { run } = await this.#api.predict();
      const problem = await this.#wait(run);
      if (problem !== null) {
        this.#say(problem);
        return;
      }
      const found = await this.#api.predictions();
      this.#found(found);
      const count = found.predictions.length;
      this.#say(count === 1 ? "The model suggests one cell." : `The model suggests ${count} cells.`);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.#say(error.message);
    } finally {
      this.#isBusy = false;
    }
  }

  /** Resolves with null when the run has succeeded, else with what is wrong. */
  async #wait(run: number): Promise<string | null> {
    const end = Date.now() + PATIENCE_MS;
    for (let pause = FIRST_MS; Date.now() < end; pause = Math.min(LONGEST_MS, pause * 1.3)) {
      const { state, error } = await this.#api.run(run);
      if (state === "succeeded") return null;
      if (state === "failed") return `The model could not predict here: ${error ?? "its log says why."}`;
      if (state === "cancelled") return "The prediction was cancelled.";
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
    return "The model has not answered for ten minutes. Ask an engineer to look at the run.";
  }
}
