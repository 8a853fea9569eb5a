import type { ConnectRouter, Interceptor } from "@connectrpc/connect";
import type { Clock } from "../lib/clock.ts";
import type { Lifecycle } from "./guard-lifecycle.ts";

/** Adds service implementations; the same function fills both listeners. */
export type Routes = (router: Pick<ConnectRouter, "service">) => void;

/** What both listeners are made from. */
export interface ListenerDeps {
  routes: Routes;
  /** Around every handler, outermost first. */
  guards: Interceptor[];
  lifecycle: Lifecycle;
  host: string;
  /** 0 = any free one. */
  port: number;
  clock?: Clock;
  /** How long calls in flight may go on after streams were told to end. 10 s unless set. */
  limitMs?: number;
}

/** A bound port. */
export interface Listener {
  readonly host: string;
  readonly port: number;
  /** Drains with the lifecycle, then closes; calls still running at the limit are cut. Resolves when nothing is left. */
  shutdown(): Promise<void>;
}

export const SHUTDOWN_LIMIT_MS = 10_000;
export const MAX_REQUEST_BYTES = 1 << 20;
/** Calls at the same time on one HTTP/2 connection. */
export const MAX_CONCURRENT_STREAMS = 1000;
/** An HTTP/2 peer that vanished frees its streams within the sum of the two. */
export const PING_EVERY_MS = 30_000;
export const PONG_WITHIN_MS = 20_000;
