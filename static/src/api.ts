/** The JSON API as this page needs it, but for the saving of changes, which sync does. */

import { csrfToken } from "./sync";
import type { Reference } from "./panel/guideline";
import type { ModelInfo, Prediction, Uuid, WorkbenchData } from "./types";

/** The server said no, or could not be reached; the message says why in words for people. */
export class ApiError extends Error {
  readonly status: number;

  constructor(message: string, status: number) {
    super(message);
    this.status = status;
  }
}

export interface RunInfo {
  readonly state: "queued" | "running" | "succeeded" | "failed" | "cancelled";
  readonly error?: string | null;
}

export interface SuggestedInfo {
  /** Whose predictions are shown with the reading. */
  readonly model: ModelInfo | null;
  readonly newest: ModelInfo | null;
  readonly predictions_hidden: boolean;
}

export interface PredictionsInfo extends SuggestedInfo {
  readonly predictions: readonly Prediction[];
}

const SECONDS = 30;

export class Api {
  readonly #field: string;

  constructor(project: string, field: string) {
    this.#field = `/api/projects/${encodeURIComponent(project)}/fields/${encodeURIComponent(field)}`;
  }

  workbench(): Promise<WorkbenchData> {
    return asked<WorkbenchData>("GET", `${this.#field}/workbench/`);
  }

  /**
   * My open reading of this field: the one there is, else a new one; with the cells of the current reading if asked.
   * Refused with 409 where somebody else is at work on the field, unless it is to be taken over.
   */
  openReading(fromCurrent: boolean, steal = false): Promise<unknown> {
    return asked("POST", `${this.#field}/readings/`, { from_current: fromCurrent, steal });
  }

  submit(reading: number, exhaustive: boolean): Promise<{ readonly next: string | null }> {
    return asked("POST", `/api/readings/${reading}/submit/`, { exhaustive });
  }

  reopen(reading: number, reason: string): Promise<unknown> {
    return asked("POST", `/api/readings/${reading}/reopen/`, { reason });
  }

  heartbeat(reading: number): Promise<unknown> {
    return asked("POST", `/api/readings/${reading}/heartbeat/`, {});
  }

  predict(): Promise<{ readonly run: number }> {
    return asked("POST", `${this.#field}/predict/`, {});
  }

  run(id: number): Promise<RunInfo> {
    return asked<RunInfo>("GET", `/api/runs/${id}/`);
  }

  keepReference(address: string, cell: Uuid): Promise<Reference & { readonly class: number }> {
    return asked("POST", address, new URLSearchParams({ cell }));
  }

  /** The person's own keys, for all projects. */
  keepKeys(bindings: Readonly<Record<string, readonly string[]>>): Promise<unknown> {
    return asked("PUT", "/api/keys/", { bindings });
  }

  /** Those of the model that an untouched field shows, whatever was answered before. */
  predictions(): Promise<PredictionsInfo> {
    return asked<PredictionsInfo>("GET", `${this.#field}/predictions/?newest=1`);
  }

  suggested(): Promise<SuggestedInfo> {
    return asked<SuggestedInfo>("GET", `${this.#field}/suggested/`);
  }

  /** Sets µm per pixel of the field, or of all fields of its slide. */
  calibrate(length: { readonly pixels: number; readonly um: number; readonly whole_slide: boolean }): Promise<{
    readonly um_per_px: number;
    readonly changed: number;
  }> {
    return asked("POST", `${this.#field}/scale/`, length);
  }
}

async function asked<Answer>(method: "GET" | "POST" | "PUT", url: string, body?: object): Promise<Answer> {
  const isForm = body instanceof URLSearchParams;
  const response = await fetch(url, {
    method,
    headers: {
      Accept: "application/json",
      "X-CSRFToken": csrfToken(),
      ...(isForm ? {} : { "Content-Type": "application/json" }),
    },
    credentials: "same-origin",
    redirect: "error",
    signal: AbortSignal.timeout(SECONDS * 1000),
    ...(body === undefined ? {} : { body: isForm ? body : JSON.stringify(body) }),
  }).catch(() => {
    throw new ApiError("The server cannot be reached. Try again in a moment.", 0);
  });
  const answer = (await response.json().catch(() => null)) as (Answer & { readonly message?: string }) | null;
  if (response.ok && answer !== null) return answer;
  if (response.ok && response.status === 204) return null as Answer;
  throw new ApiError(answer?.message ?? messageOf(response.status), response.status);
}

function messageOf(status: number): string {
  if (status === 401) return "You are signed out. Sign in again in another tab, then try again.";
  if (status === 403) return "You may not do this.";
  if (status === 404) return "This is not there any more.";
  return `The server answered ${status}. Try again in a moment.`;
}
