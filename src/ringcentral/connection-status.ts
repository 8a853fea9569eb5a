import type { Warning } from "../lib/errors.ts";
import type { UsageGroup } from "./calls/usage-group.ts";

/** ConnectionStatus is how a connection is doing while the service runs; times in Unix milliseconds. */
export interface ConnectionStatus {
  /** When the access token ends; undefined when it is not known, as for a pasted one. */
  readonly expiresAt: number | undefined;
  /** When the refresh token ends unless it is used before; undefined when there is none. */
  readonly refreshExpiresAt: number | undefined;
  /** As RingCentral last reported them; none before the first call. */
  readonly groups: readonly GroupStatus[];
  /** The push session; NONE when none is wanted. */
  readonly push: "NONE" | "CONNECTING" | "LIVE" | "DOWN";
  /** Destinations that use it. */
  readonly destinationCount: number;
  /** Queues in demand: watched, or asked by a Check in the last minute. */
  readonly demandCount: number;
  /** How old answers are when every queue in demand is read as often as the budget allows; undefined when not known. */
  readonly achievableAgeMs: number | undefined;
  /** The newest failure, for a person; empty = none. */
  readonly lastError: string;
  /** What works and will not for long, or not as wanted; the fields are paths of the connection. */
  readonly warnings: readonly Warning[];
}

/** What is left of one rate limit group. */
export interface GroupStatus {
  readonly name: UsageGroup;
  /** Requests per window. */
  readonly limit: number;
  /** Requests left in it. */
  readonly left: number;
  /** When the penalty ends; undefined when none runs. */
  readonly penaltyUntil: number | undefined;
}
