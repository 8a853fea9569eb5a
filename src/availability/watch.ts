import { randomBytes } from "node:crypto";
import type { Clock } from "../lib/clock.ts";
import { watchOpened } from "../telemetry/events.ts";
import type { Board } from "./board.ts";
import type { Hub } from "./hub.ts";
import { positionOf, type TokenScope } from "./resume-token.ts";
import type { WatchEvent } from "./watch-event.ts";
import { type WatchedSet, WatchedSets } from "./watched-set.ts";
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

/** One message of a stream. */
export interface WatchItem {
  readonly event: WatchEvent;
  readonly set: WatchedSet;
  /** The place in the changes that its resume token names; undefined up to `synced`. */
  readonly position: number | undefined;
}

/** One stream under way. */
export interface Watching {
  /** The next message, if there is one now. */
  take(): WatchItem | undefined;
  /** Lets everything go. */
  close(): void;
}

/**
 * Begins to stream the state of destinations and then its changes. `wake` is called whenever there may be something to
 * take. A message has no resume token up to `synced`: until then only the one that was given tells what the client has.
 */
export type Watch = (query: WatchQuery, wake: () => void) => Watching;

export function createWatch(deps: WatchDeps): Watch {
  // Positions mean something within one life of this process only.
  const sets = new WatchedSets(randomBytes(6).toString("base64url"));
  return (query, wake) => new WatchStream(query, wake, { ...deps, sets });
}

/** WatchStream is one Watch from its first message on. */
class WatchStream implements Watching {
  readonly #set: WatchedSet;
  readonly #watcher: Watcher;
  /** What comes before the changes; undefined once it is taken. */
  #beginning: Iterator<WatchEvent> | undefined;
  readonly #endDemand: (() => void) | undefined;
  readonly #leave: () => void;
  readonly #closed: () => void;

  constructor(query: WatchQuery, wake: () => void, deps: WatchDeps & { sets: WatchedSets }) {
    const { destinationIds, selector, heartbeatMs, passive } = query;
    const ids = new Set(destinationIds);
    const { set, leave } = deps.sets.join(ids.size > 0 ? { ids } : { selector });
    this.#set = set;
    this.#leave = leave;
    this.#watcher = new Watcher(set, { ...deps, heartbeatMs, wake });
    this.#closed = watchOpened({ destinations: ids.size || "all", passive });
    this.#endDemand = passive ? undefined : deps.board.demand(set.selection);
    this.#beginning = beginning(this.#watcher, set, query.resumeToken, deps);
  }

  take(): WatchItem | undefined {
    const set = this.#set;
    if (this.#beginning) {
      const { done, value: event } = this.#beginning.next();
      if (!done) return { event, set, position: event.kind === "synced" ? this.#watcher.position : undefined };
      this.#beginning = undefined;
    }
    const event = this.#watcher.take();
    return event && { event, set, position: this.#watcher.position };
  }

  close(): void {
    this.#beginning = undefined;
    this.#endDemand?.();
    this.#watcher.close();
    this.#leave();
    this.#closed();
  }
}

function* beginning(
  watcher: Watcher,
  { scope }: WatchedSet,
  resumeToken: string,
  { clock, hub }: Pick<WatchDeps, "clock" | "hub">,
): Generator<WatchEvent> {
  const from = resumeToken === "" ? undefined : honoured(resumeToken, scope, { clock, hub });
  if (resumeToken !== "" && from === undefined) yield { kind: "resync" };
  // The watcher has subscribed, so what changes while these are sent is not lost: it is sent again.
  yield* from === undefined ? watcher.initial() : watcher.missed(from);
  yield { kind: "synced", serverTime: clock.now() };
}

/** The position to go on from; undefined when the token is of elsewhere, or what it asks for is forgotten. */
function honoured(
  token: string,
  scope: TokenScope,
  { clock, hub }: Pick<WatchDeps, "clock" | "hub">,
): number | undefined {
  const position = positionOf(token, scope);
  hub.marks.forget(clock.now());
  return position !== undefined && position >= hub.marks.floor && position <= hub.position ? position : undefined;
}
