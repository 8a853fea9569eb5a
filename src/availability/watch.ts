import { createHash, randomBytes } from "node:crypto";
import type { Clock } from "../lib/clock.ts";
import { watchOpened } from "../telemetry/events.ts";
import type { Answer } from "./answer.ts";
import type { Board, Selection } from "./board.ts";
import type { Hub } from "./hub.ts";
import { Watcher } from "./watcher.ts";

export interface WatchQuery {
  /** Empty = everything, now and later. */
  readonly destinationIds: readonly string[];
  readonly selector: Readonly<Record<string, string>>;
  readonly resumeToken: string;
  readonly heartbeatMs: number;
  readonly passive: boolean;
}

/** One event of a Watch; `resumeToken` goes with every event. */
export type WatchEvent =
  | { readonly kind: "availability"; readonly answer: Answer }
  | { readonly kind: "removed"; readonly destinationId: string; readonly version: bigint }
  | { readonly kind: "unknown"; readonly destinationId: string }
  | { readonly kind: "synced" }
  | { readonly kind: "resync" }
  | { readonly kind: "heartbeat"; readonly serverTime: number; readonly confirmed: readonly Answer[] };

export interface WatchDeps {
  readonly clock: Clock;
  readonly hub: Hub;
  readonly board: Pick<Board, "get" | "all" | "removedVersion" | "demand">;
}

/** Streams the state of destinations and then its changes, until `signal` is aborted. */
export type Watch = (
  query: WatchQuery,
  signal: AbortSignal,
) => AsyncGenerator<{ readonly event: WatchEvent; readonly resumeToken: string }>;

export function createWatch({ clock, hub, board }: WatchDeps): Watch {
  // Positions mean something within one life of this process only.
  const life = randomBytes(6).toString("base64url");

  return async function* watch(query, signal) {
    const ids = new Set(query.destinationIds);
    const selection: Selection = ids.size > 0 ? { ids } : { selector: query.selector };
    const watcher = new Watcher(selection, { clock, hub, board, heartbeatMs: query.heartbeatMs, signal });
    const closed = watchOpened({ destinations: ids.size || "all", passive: query.passive });
    const endDemand = query.passive ? undefined : board.demand(selection);
    const setHash = hashOf(selection);
    try {
      if (query.resumeToken !== "") yield { event: { kind: "resync" }, resumeToken: "" };
      // The watcher has subscribed, so what changes while the initial state is sent is not lost: it is sent again.
      for (const event of watcher.initial()) yield { event, resumeToken: "" };
      yield { event: { kind: "synced" }, resumeToken: tokenAt(watcher.position) };
      for (let event = await watcher.next(); event; event = await watcher.next()) {
        yield { event, resumeToken: tokenAt(watcher.position) };
      }
    } finally {
      endDemand?.();
      watcher.close();
      closed();
    }

    function tokenAt(position: number): string {
      return `${life}.${position.toString(36)}.${setHash}`;
    }
  };
}

/** Names the watched set, so that a token of one Watch is not taken for another's. */
function hashOf(selection: Selection): string {
  const set =
    "ids" in selection
      ? [...selection.ids].sort()
      : Object.entries(selection.selector).sort(([a], [b]) => (a < b ? -1 : 1));
  return createHash("sha256").update(JSON.stringify(set)).digest("base64url").slice(0, 12);
}
