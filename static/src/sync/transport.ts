/** Takes a list of changes to the server and says what became of it. */

import type { ChangeRequest, ChangeResult } from "../types";

export type Outcome =
  | { readonly type: "answered"; readonly results: readonly ChangeResult[] }
  /** No answer that can be trusted: the server may or may not have stored it. The same is sent again. */
  | { readonly type: "failed"; readonly problem: string }
  /** The server will not read the list as it is: one of it is at fault. */
  | { readonly type: "unreadable"; readonly message: string };

/** `last`: the page is being left, so the request has to outlive it. */
export type Transport = (changes: readonly ChangeRequest[], last: boolean) => Promise<Outcome>;

const SECONDS = 30;
/** Browsers let requests that outlive their page carry no more, in bytes. */
const KEEPALIVE_LIMIT = 60_000;
const SIGNED_OUT = "You are signed out. Sign in again in another tab; what you did is kept here and saved then.";

export function transportTo(url: string, token: () => string = csrfToken): Transport {
  return async (changes, last) => {
    const body = JSON.stringify({ changes });
    try {
      const response = await fetch(url, {
        method: "POST",
        headers: { "Content-Type": "application/json", Accept: "application/json", "X-CSRFToken": token() },
        credentials: "same-origin",
        redirect: "error",
        keepalive: last && body.length < KEEPALIVE_LIMIT,
        signal: AbortSignal.timeout(SECONDS * 1000),
        body,
      });
      return await outcomeOf(response, changes.length);
    } catch {
      return { type: "failed", problem: "The server cannot be reached. What you do is kept in this browser." };
    }
  };
}

/** Read anew each time: signing in again in another tab changes it. */
export function csrfToken(): string {
  const cookie = /(?:^|;\s*)csrftoken=([^;]+)/.exec(document.cookie)?.[1];
  return cookie ?? document.querySelector<HTMLInputElement>("[name=csrfmiddlewaretoken]")?.value ?? "";
}

async function outcomeOf(response: Response, count: number): Promise<Outcome> {
  const answer = (await response.json().catch(() => null)) as Answer | null;
  if (response.ok) {
    const results = answer?.results;
    if (results?.length === count) return { type: "answered", results };
    return { type: "failed", problem: "The server's answer could not be read. It is asked again." };
  }
  const message = answer?.message ?? `The server answered ${response.status}.`;
  if ([400, 413, 422].includes(response.status)) return { type: "unreadable", message };
  if (response.status === 401) return { type: "failed", problem: SIGNED_OUT };
  return { type: "failed", problem: response.status < 500 ? message : "The server has a fault. It is asked again." };
}

interface Answer {
  readonly results?: readonly ChangeResult[];
  readonly message?: string;
}
