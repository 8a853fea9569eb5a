import type { Availability } from "../../gen/availability/v1/availability_pb.ts";
import type { WatchHeartbeat, WatchResponse } from "../../gen/availability/v1/availability_service_pb.ts";
import { confirmed, type Held, heldOf } from "./held.ts";
import { msOf } from "./milliseconds.ts";
import { ServerTime } from "./server-time.ts";

/** A Watch as it concerns the age of what it brings. */
export interface WatchUnderWay {
  /** The local time at which it was asked for. */
  readonly askedAt: number;
  /** Its `synced` has come. */
  synced: boolean;
}

/**
 * Replica holds what a Watch has told of each destination, and answers from it what is young enough for certain. It knows
 * local times and the server's apart; the server's clock is bounded from above, so that every age is.
 */
export class Replica {
  readonly serverTime: ServerTime;
  readonly #held = new Map<string, Held>();
  /** States without observed_at were so at this time of the server's clock, or later. */
  #toldUntil = Number.NEGATIVE_INFINITY;
  /** They were so at this local time, or later. */
  #toldSince = Number.NEGATIVE_INFINITY;

  constructor(drift: number) {
    this.serverTime = new ServerTime(drift);
  }

  /** The state of a destination if its age is at most `maxAgeMs`, the destination's own unless given. */
  answer(destinationId: string, maxAgeMs: number | undefined, now: number): Availability | undefined {
    const held = this.#held.get(destinationId);
    if (held === undefined || !held.decided) return undefined;
    const bound = maxAgeMs ?? held.maxAgeMs;
    // 0 asks for a read that is sent after the Check.
    if (bound === undefined || bound <= 0) return undefined;
    return this.#age(held, now) <= bound ? held.availability : undefined;
  }

  /** The local time from which on nothing can be answered, if nothing comes. `maxAgeOf` tells the bound from a destination's own. */
  answersUntil(maxAgeOf: (own: number | undefined) => number): number {
    let until = Number.NEGATIVE_INFINITY;
    for (const held of this.#held.values()) {
      if (held.decided) until = Math.max(until, this.#oldFrom(held, maxAgeOf(held.maxAgeMs)));
    }
    return until;
  }

  apply({ event }: WatchResponse, watch: WatchUnderWay): void {
    switch (event.case) {
      case "availability": {
        const { destinationId } = event.value;
        this.#held.set(destinationId, heldOf(event.value, this.#held.get(destinationId)));
        return;
      }
      case "removed":
      case "unknown":
        this.#held.delete(event.value.destinationId);
        return;
      case "resync":
        this.forget();
        return;
      case "synced":
        watch.synced = true;
        // Every state was looked at since we asked. What changed while they were sent may still be on its way, so that the
        // time of `synced` itself says nothing about them.
        this.#toldSince = watch.askedAt;
        if (event.value.serverTime) this.serverTime.told(msOf(event.value.serverTime), watch.askedAt);
        return;
      case "heartbeat":
        this.#heartbeat(event.value, watch);
        return;
      case undefined: // Of a newer server.
    }
  }

  /** Forgets all, as a Watch begins that knows nothing of what was sent before. */
  forget(): void {
    this.#held.clear();
    this.serverTime.forget();
    this.#toldUntil = Number.NEGATIVE_INFINITY;
    this.#toldSince = Number.NEGATIVE_INFINITY;
  }

  #heartbeat({ freshness, serverTime, upToDate }: WatchHeartbeat, { synced }: WatchUnderWay): void {
    for (const fresh of freshness) {
      const held = this.#held.get(fresh.destinationId);
      const again = held && confirmed(held, fresh);
      if (again) this.#held.set(fresh.destinationId, again);
    }
    if (synced && upToDate && serverTime) this.#toldUntil = Math.max(this.#toldUntil, msOf(serverTime));
  }

  /** How old a state is at most, in milliseconds. */
  #age({ observedAt, endsAt }: Held, now: number): number {
    const serverNow = this.serverTime.atMost(now);
    if (observedAt !== undefined) return serverNow - observedAt;
    // Once its end may have come it is over, unless the server has said since that it still stands.
    if (serverNow >= endsAt && this.#toldUntil < endsAt) return Number.POSITIVE_INFINITY;
    return Math.min(serverNow - this.#toldUntil, this.serverTime.span(now - this.#toldSince));
  }

  /** The local time at which a state becomes older than that. */
  #oldFrom({ observedAt, endsAt }: Held, maxAgeMs: number): number {
    const { serverTime } = this;
    if (observedAt !== undefined) return serverTime.reaches(observedAt + maxAgeMs);
    const end = this.#toldUntil < endsAt ? serverTime.reaches(endsAt) : Number.POSITIVE_INFINITY;
    const old = Math.max(
      serverTime.reaches(this.#toldUntil + maxAgeMs),
      this.#toldSince + maxAgeMs / serverTime.span(1),
    );
    return Math.min(old, end);
  }
}
