import { Reason, Source, Verdict } from "../../gen/availability/v1/availability_pb.ts";
import type { Event } from "./test-server.ts";

/** A state of a destination as a test says it; times are the server's, Unix milliseconds. */
export interface StateSketch {
  readonly id?: string;
  readonly version?: number;
  /** Absent for a state that no presence stands behind. */
  readonly observedAt?: number | undefined;
  readonly maxAgeMs?: number;
  readonly verdict?: Verdict;
  readonly reason?: Reason;
  readonly retryAt?: number | undefined;
  readonly revision?: number;
}

/** A state from a read, or one that no presence stands behind; as a Watch sends it. */
export function state(sketch: StateSketch): Extract<Event, { case: "availability" }> {
  const {
    id = "sales",
    version = 1,
    observedAt,
    maxAgeMs = 10_000,
    verdict = Verdict.ACCEPTED,
    retryAt,
    revision = 1,
  } = sketch;
  const observed = observedAt !== undefined;
  return {
    case: "availability",
    value: {
      destinationId: id,
      accepted: verdict === Verdict.ACCEPTED,
      verdict,
      reason: sketch.reason ?? (observed ? Reason.CRITERIA_MET : Reason.OVERRIDDEN),
      source: observed ? Source.CACHE : Source.NONE,
      version: BigInt(version),
      destinationRevision: BigInt(revision),
      ...(observed && { observedAt: timestamp(observedAt), validUntil: timestamp(observedAt + maxAgeMs) }),
      ...(retryAt !== undefined && { retryAt: timestamp(retryAt) }),
    },
  };
}

/** A time as the server writes it: in whole microseconds, rounded down. */
export function timestamp(ms: number): { seconds: bigint; nanos: number } {
  const seconds = Math.floor(ms / 1000);
  return { seconds: BigInt(seconds), nanos: Math.min(Math.floor((ms - seconds * 1000) * 1000), 999_999) * 1000 };
}

export function synced(serverTime: number): Event {
  return { case: "synced", value: { serverTime: timestamp(serverTime) } };
}

/** A heartbeat that confirms states: id, version, when observed. */
export function heartbeat(
  serverTime: number,
  confirmed: readonly (readonly [id: string, version: number, observedAt: number])[] = [],
  { upToDate = true, maxAgeMs = 10_000 } = {},
): Event {
  const freshness = confirmed.map(([destinationId, version, observedAt]) => ({
    destinationId,
    version: BigInt(version),
    observedAt: timestamp(observedAt),
    validUntil: timestamp(observedAt + maxAgeMs),
  }));
  return { case: "heartbeat", value: { serverTime: timestamp(serverTime), upToDate, freshness } };
}
