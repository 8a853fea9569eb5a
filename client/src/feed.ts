import type { Client, ConnectError } from "@connectrpc/connect";
import type { AvailabilityService, WatchResponse } from "../../gen/availability/v1/availability_service_pb.ts";
import { BackOff } from "./back-off.ts";
import { type Clock, sleep } from "./clock.ts";
import { durationOf, msOf } from "./milliseconds.ts";
import { readWatch } from "./read-watch.ts";
import type { Replica } from "./replica.ts";

export interface FeedDeps {
  readonly clock: Clock;
  readonly client: Pick<Client<typeof AvailabilityService>, "watch">;
  readonly replica: Replica;
  readonly query: WatchQuery;
  /** Everything was told, and what comes now are changes. */
  readonly onSynced: () => void;
  /** What is held may not be what the server holds from here on, or all of it was forgotten. */
  readonly onCut: () => void;
  /** A Watch ended by itself; it is tried again. */
  readonly onError: (error: ConnectError) => void;
}

export interface WatchQuery {
  readonly destinationIds: readonly string[];
  readonly labelSelector: Readonly<Record<string, string>>;
  readonly heartbeatMs: number;
  readonly passive: boolean;
}

/** How often the server's time is asked for again: in between, drift widens the bound on it. */
export const TIME_EVERY_MS = 60_000;
// What took longer says little about the server's time, which is then asked for again sooner.
const LOOSE_MS = 50;
const LOOSE_AGAIN_MS = 10_000;
const OPENING_MS = 10_000;

/** Feed keeps a replica fed: it watches, comes back after every end with the last resume token, and asks for the server's time. */
export class Feed {
  readonly #deps: FeedDeps;
  readonly #backOff = new BackOff();
  readonly #closing = new AbortController();
  #resumeToken = "";
  /** Counts how often all was forgotten: what was asked for before that may be about another server's clock. */
  #life = 0;
  #cancelTimer = () => {};

  constructor(deps: FeedDeps) {
    this.#deps = deps;
    void this.#watchOn();
  }

  close(): void {
    this.#cancelTimer();
    this.#closing.abort();
  }

  async #watchOn(): Promise<void> {
    const { clock, onCut, onError } = this.#deps;
    const { signal } = this.#closing;
    while (!signal.aborted) {
      const error = await this.#watch();
      if (signal.aborted) return;
      onCut();
      onError(error);
      await sleep(clock, this.#backOff.after(error), signal);
    }
  }

  #watch(): Promise<ConnectError> {
    const { clock, replica, query, onSynced, onCut } = this.#deps;
    const resumeToken = this.#resumeToken;
    // Without a token the whole state is sent, of whichever server, and nothing of what went.
    if (resumeToken === "") {
      replica.forget();
      this.#life++;
    }
    const watch = { askedAt: clock.now(), synced: false };
    return readWatch({
      clock,
      open: (signal) => this.#open(resumeToken, query.passive, signal),
      heartbeatMs: query.heartbeatMs,
      openingMs: OPENING_MS,
      signal: this.#closing.signal,
      onMessage: (message) => {
        replica.apply(message, watch);
        if (message.resumeToken !== "") this.#resumeToken = message.resumeToken;
        if (message.event.case === "resync") {
          this.#resumeToken = "";
          this.#life++;
          onCut();
        } else if (message.event.case === "synced") {
          this.#backOff.reset();
          // It may have come long after it was asked for, behind the whole state.
          this.#askTimeIn(this.#isTight(watch.askedAt) ? TIME_EVERY_MS : 0);
          onSynced();
        }
        return undefined;
      },
    });
  }

  #askTimeIn(ms: number): void {
    this.#cancelTimer();
    this.#cancelTimer = this.#deps.clock.after(ms, () => {
      // While nothing is synced there is nothing to ask about, and `synced` will see to it.
      if (this.#resumeToken !== "") void this.#askTime();
    });
  }

  /**
   * Asks for the server's time by a Watch that is left at its `synced`. That the resume token is honoured says that it is
   * the server, in the same life, that feeds the replica, and not another one with another clock.
   */
  async #askTime(): Promise<void> {
    const { clock, replica, query, onError } = this.#deps;
    const life = this.#life;
    const askedAt = clock.now();
    let answered = false;
    let tight = false;
    const error = await readWatch({
      clock,
      open: (signal) => this.#open(this.#resumeToken, true, signal),
      heartbeatMs: query.heartbeatMs,
      openingMs: OPENING_MS,
      signal: this.#closing.signal,
      onMessage: ({ event }) => {
        if (event.case !== "synced" && event.case !== "resync") return undefined;
        const same = event.case === "synced" && life === this.#life;
        if (same && event.value.serverTime) replica.serverTime.told(msOf(event.value.serverTime), askedAt);
        answered = true;
        tight = same && this.#isTight(askedAt);
        return "enough";
      },
    });
    if (this.#closing.signal.aborted) return;
    this.#askTimeIn(tight ? TIME_EVERY_MS : LOOSE_AGAIN_MS);
    if (!answered) onError(error);
  }

  #isTight(askedAt: number): boolean {
    return this.#deps.clock.now() - askedAt <= LOOSE_MS;
  }

  #open(resumeToken: string, passive: boolean, signal: AbortSignal): AsyncIterable<WatchResponse> {
    const { client, query } = this.#deps;
    const { destinationIds, labelSelector, heartbeatMs } = query;
    const request = { destinationIds: [...destinationIds], labelSelector, passive, resumeToken };
    // A Watch has no end, so the transport's own timeout must not give it one.
    return client.watch({ ...request, heartbeatInterval: durationOf(heartbeatMs) }, { signal, timeoutMs: 0 });
  }
}
