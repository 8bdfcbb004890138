import { afterEach, describe, expect, test, vi } from "vitest";

import type { ChangeRequest } from "../types";
import { transportTo } from "./transport";

const CHANGE: ChangeRequest = { type: "rejection", prediction: 1, rejected: true };

afterEach(() => {
  vi.unstubAllGlobals();
});

function answering(status: number, body: string): ReturnType<typeof vi.fn> {
  const fetched = vi.fn(() => Promise.resolve(new Response(body, { status })));
  vi.stubGlobal("fetch", fetched);
  return fetched;
}

describe("what the server says", () => {
  test.each([
    [200, '{"results": [{"status": "saved"}]}', { type: "answered", results: [{ status: "saved" }] }],
    [200, '{"results": []}', { type: "failed" }],
    [200, "<html>a page of a proxy</html>", { type: "failed" }],
    [401, '{"message": "Sign in."}', { type: "failed", problem: expect.stringContaining("Sign in again") as unknown }],
    [403, '{"message": "You may not do this."}', { type: "failed", problem: "You may not do this." }],
    [422, '{"message": "That cannot be."}', { type: "unreadable", message: "That cannot be." }],
    [413, "too large", { type: "unreadable", message: "The server answered 413." }],
    [502, "<html>", { type: "failed", problem: expect.stringContaining("fault") as unknown }],
  ])("%i %s", async (status, body, outcome) => {
    answering(status, body);
    expect(await transportTo("/changes/", () => "token")([CHANGE], false)).toMatchObject(outcome);
  });

  test("no answer at all is a failure with words", async () => {
    vi.stubGlobal("fetch", () => Promise.reject(new TypeError("NetworkError")));
    const outcome = await transportTo("/changes/", () => "token")([CHANGE], false);
    expect(outcome).toMatchObject({ type: "failed", problem: expect.stringContaining("kept in this browser") as unknown });
  });
});

test("it sends JSON with the token, and outlives the page only where the browser carries it", async () => {
  const fetched = answering(200, '{"results": [{"status": "saved"}]}');
  const send = transportTo("/changes/", () => "token");
  await send([CHANGE], false);
  await send([CHANGE], true);
  await send(Array.from({ length: 2_000 }, () => CHANGE), true);
  const options = fetched.mock.calls.map(([, init]) => init as RequestInit);
  expect(options.map(({ keepalive }) => keepalive)).toEqual([false, true, false]);
  expect(options[0]).toMatchObject({ method: "POST", headers: { "X-CSRFToken": "token" } });
  expect(JSON.parse(options[0]?.body as string)).toEqual({ changes: [CHANGE] });
});
