import { type Availability, Verdict } from "../../gen/availability/v1/availability_pb.ts";
import type { Freshness } from "../../gen/availability/v1/availability_service_pb.ts";
import { msOf } from "./milliseconds.ts";

/** Held is what the replica knows of one destination, with what decides about its age at hand. Times are the server's. */
export interface Held {
  /** What is answered. */
  readonly availability: Availability;
  /** Undecided states are not answered from memory: the server may do better by reading. */
  readonly decided: boolean;
  /** When the presence behind it was observed; undefined when none is: disabled, outside its hours, overridden. */
  readonly observedAt: number | undefined;
  /** When a state without observed presence ends by itself; infinite when it does not. */
  readonly endsAt: number;
  /** The destination's own max_age; undefined while it was never seen. */
  readonly maxAgeMs: number | undefined;
}

// Both times are rounded down to a microsecond, so that their difference may be one too many.
const ROUNDING_MS = 0.001;

/** What to hold when `availability` comes and `before` is held. */
export function heldOf(availability: Availability, before: Held | undefined): Held {
  const { observedAt, validUntil, retryAt, verdict, destinationRevision } = availability;
  if (before && isOlder(availability, before)) return before;
  const observed = observedAt && msOf(observedAt);
  const sameConfiguration = before?.availability.destinationRevision === destinationRevision;
  return {
    availability,
    decided: verdict === Verdict.ACCEPTED || verdict === Verdict.REJECTED,
    observedAt: observed,
    endsAt: observed === undefined && retryAt ? msOf(retryAt) : Number.POSITIVE_INFINITY,
    // Unobserved states do not tell it, and it is a part of the configuration.
    maxAgeMs:
      observed !== undefined && validUntil
        ? msOf(validUntil) - observed - ROUNDING_MS
        : sameConfiguration
          ? before.maxAgeMs
          : undefined,
  };
}

/** The same state, observed again; undefined when `freshness` is not about it or no news. */
export function confirmed(held: Held, { version, observedAt, validUntil }: Freshness): Held | undefined {
  const { availability } = held;
  if (version !== availability.version || !observedAt || held.observedAt === undefined) return undefined;
  const observed = msOf(observedAt);
  if (observed <= held.observedAt) return undefined;
  // A new object: whoever was answered with the old one keeps what he was told.
  const dated = validUntil ? { observedAt, validUntil } : { observedAt };
  return { ...held, availability: { ...availability, ...dated }, observedAt: observed };
}

/** A version never goes back, and of one version the newer observation counts. */
function isOlder({ version, observedAt }: Availability, { availability: held }: Held): boolean {
  if (version !== held.version) return version < held.version;
  if (!observedAt || !held.observedAt) return false;
  return msOf(observedAt) < msOf(held.observedAt);
}
