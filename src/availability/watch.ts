import { randomBytes } from "node:crypto";
import type { Clock } from "../lib/clock.ts";
import { watchOpened } from "../telemetry/events.ts";
import type { Board, Selection } from "./board.ts";
import type { Hub } from "./hub.ts";
import { hashOf, positionOf, type TokenScope, tokenAt } from "./resume-token.ts";
import type { WatchEvent } from "./watch-event.ts";
import { Watcher } from "./watcher.ts";

export interface WatchQuery {
  /** Empty = everything, now and later. */
  readonly destinationIds: readonly string[];
  readonly selector: Readonly<Record<string, string>>;
  /** Empty = the client holds nothing. */
  readonly resumeToken: string;
  readonly heartbeatMs: number;
  readonly passive: boolean;
}

export interface WatchDeps {
  readonly clock: Clock;
  readonly hub: Hub;
  readonly board: Pick<Board, "get" | "all" | "removedVersion" | "demand">;
}

/**
 * Streams the state of destinations and then its changes, until `signal` is aborted. `resumeToken` is empty up to
 * `synced`: until then only the token that was given tells what the client has.
 */
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
    const scope: TokenScope = { life, set: hashOf(selection) };
    const watcher = new Watcher(selection, { clock, hub, board, heartbeatMs: query.heartbeatMs, signal });
    const closed = watchOpened({ destinations: ids.size || "all", passive: query.passive });
    const endDemand = query.passive ? undefined : board.demand(selection);
    try {
      const from = query.resumeToken === "" ? undefined : honoured(query.resumeToken, scope);
      if (query.resumeToken !== "" && from === undefined) yield { event: { kind: "resync" }, resumeToken: "" };
      // The watcher has subscribed, so what changes while these are sent is not lost: it is sent again.
      const first = from === undefined ? watcher.initial() : watcher.missed(from);
      for (const event of first) yield { event, resumeToken: "" };
      yield { event: { kind: "synced", serverTime: clock.now() }, resumeToken: tokenAt(watcher.position, scope) };
      for (let event = await watcher.next(); event; event = await watcher.next()) {
        yield { event, resumeToken: tokenAt(watcher.position, scope) };
      }
    } finally {
      endDemand?.();
      watcher.close();
      closed();
    }
  };

  /** The position to go on from; undefined when the token is of elsewhere, or what it asks for is forgotten. */
  function honoured(token: string, scope: TokenScope): number | undefined {
    const position = positionOf(token, scope);
    hub.marks.forget(clock.now());
    return position !== undefined && position >= hub.marks.floor && position <= hub.position ? position : undefined;
  }
}
