/** For every page: says what a request of htmx could not do, and closes menus. Pages work without it. */

import "./compare";

interface Failure {
  readonly xhr?: XMLHttpRequest;
}

const UNREACHABLE = "The server cannot be reached. Nothing was changed; try again in a moment.";
const SIGNED_OUT = "You are signed out. Sign in again in another tab, then repeat what you did here.";

document.addEventListener("htmx:sendError", () => {
  say(UNREACHABLE);
});
document.addEventListener("htmx:timeout", () => {
  say(UNREACHABLE);
});
document.addEventListener("htmx:responseError", (event) => {
  const { xhr } = (event as CustomEvent<Failure>).detail;
  say(messageIn(xhr) ?? messageOf(xhr?.status ?? 0));
});
// A request that works takes the last complaint away.
document.addEventListener("htmx:afterOnLoad", (event) => {
  const status = (event as CustomEvent<Failure>).detail.xhr?.status ?? 0;
  if (status >= 200 && status < 400) document.querySelector("#messages > .from-htmx")?.remove();
});

document.addEventListener("click", (event) => {
  for (const menu of openMenus()) if (!menu.contains(event.target as Node | null)) menu.open = false;
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of openMenus()) {
    const hadFocus = menu.contains(document.activeElement);
    menu.open = false;
    if (hadFocus) menu.querySelector("summary")?.focus();
  }
});

function openMenus(): NodeListOf<HTMLDetailsElement> {
  return document.querySelectorAll<HTMLDetailsElement>("details.menu[open]");
}

/** Into the region of messages, which is read out. */
function say(text: string): void {
  const region = document.querySelector("#messages");
  if (region === null) return;
  region.querySelector(".from-htmx")?.remove();
  const message = document.createElement("p");
  message.className = "alert alert-danger from-htmx";
  message.textContent = text;
  region.append(message);
  message.scrollIntoView({ block: "nearest" });
}

/** What the server wrote in plain text or as {"message": ...}. */
function messageIn(xhr?: XMLHttpRequest): string | null {
  const type = xhr?.getResponseHeader("Content-Type") ?? "";
  const text = xhr?.responseText ?? "";
  if (type.startsWith("text/plain") && text.length < 500) return text || null;
  if (!type.startsWith("application/json")) return null;
  try {
    const { message } = JSON.parse(text) as { message?: unknown };
    return typeof message === "string" ? message : null;
  } catch {
    return null;
  }
}

function messageOf(status: number): string {
  if (status === 401) return SIGNED_OUT;
  if (status === 403) return "You may not do this, or you have signed in anew since: reload the page and try again.";
  if (status === 404) return "This is not there any more. Reload the page.";
  if (status === 413) return "This is too large for one request.";
  return "The server has a fault and did not do this. It is written in its log; try again later.";
}
