import type { ServerHttp2Session } from "node:http2";
import type { Clock } from "../lib/clock.ts";
import { PING_EVERY_MS, PONG_WITHIN_MS } from "./listener.ts";

/** Pings an HTTP/2 peer for as long as it lives, and ends the session of one that no longer answers. */
export function keepAlive(session: ServerHttp2Session, clock: Clock): void {
  let cancel = () => {};
  const wait = () => {
    cancel = clock.after(PING_EVERY_MS, () => {
      // Destroyed and not yet closed, as when a peer broke the protocol: a ping would throw.
      if (session.destroyed) return;
      cancel = clock.after(PONG_WITHIN_MS, () => session.destroy());
      session.ping((error) => {
        cancel();
        if (!error && !session.destroyed) wait();
      });
    });
  };
  wait();
  session.once("close", () => cancel());
}
