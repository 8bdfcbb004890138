/** A person's keys, kept at the server and alike in all open tabs. */

import type { Api } from "./api";
import type { Bindings, Keymap } from "./commands";
import type { SaveKeys } from "./panel/keys";

const CHANNEL = "marrowloop:keys";

/** What keeps them: the server first, then the other tabs hear of it. */
export function sharedKeys(api: Api, keymap: Keymap): SaveKeys {
  const channel = typeof BroadcastChannel === "undefined" ? null : new BroadcastChannel(CHANNEL);
  channel?.addEventListener("message", (event: MessageEvent<Bindings>) => {
    keymap.use(event.data);
  });
  return async (bindings) => {
    await api.keepKeys(bindings);
    channel?.postMessage(bindings);
  };
}
