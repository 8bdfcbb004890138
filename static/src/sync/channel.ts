/** Tabs of one browser on one reading: who is alive, and what the server has just stored. */

import type { ServerCell } from "../types";

export type Message =
  | { readonly type: "who"; readonly from: string }
  | { readonly type: "here"; readonly from: string }
  | { readonly type: "stored"; readonly from: string; readonly cells: readonly ServerCell[] };

export interface Channel {
  post(message: Message): void;
  listen(listener: (message: Message) => void): void;
  close(): void;
}

export function openChannel(reading: string): Channel {
  const channel = new BroadcastChannel(`marrowloop:${reading}`);
  return {
    post: (message) => {
      channel.postMessage(message);
    },
    listen: (listener) => {
      channel.onmessage = (event: MessageEvent<Message>) => {
        listener(event.data);
      };
    },
    close: () => {
      channel.close();
    },
  };
}
