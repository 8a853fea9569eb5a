import type { Reason } from "../lib/reasons.ts";

/**
 * HistoryStore keeps what the availability of destinations was and how Checks were answered. It is for people who look
 * back, lies apart from the configuration, and nothing waits for it: what was written last may be lost with the process
 * or the power, and trouble with it is nobody's trouble but its own.
 *
 * - **Order**: calls take effect in the order in which they are made, each whole or not at all.
 * - **Bounds**: prune() keeps the newest changes of every destination and forgets what is old; see HISTORY_LIMITS.
 *
 * Every call rejects with ServiceError UNAVAILABLE while the store cannot be used; a later one may succeed.
 */
export interface HistoryStore {
  /** Adds changes, and adds counts to those of the same minute and reason. */
  write(batch: HistoryBatch): Promise<void>;
  read(query: HistoryQuery): Promise<HistoryRows>;
  /** Forgets a bounded part of what need not be kept at `now`; true = there is more to forget. */
  prune(now: number): Promise<boolean>;
  close(): Promise<void>;
}

export interface HistoryBatch {
  readonly changes: readonly ChangeRow[];
  readonly counts: readonly CountRow[];
}

/** A destination's availability became another one. */
export interface ChangeRow {
  readonly destinationId: string;
  /** Rises from change to change of a destination, over restarts too. */
  readonly version: bigint;
  /** When it became so, Unix milliseconds. */
  readonly time: number;
  /** What it became, as JSON; undefined = the destination was removed. */
  readonly answer: string | undefined;
}

/** How many Checks of a destination were answered for a reason within a minute. */
export interface CountRow {
  readonly destinationId: string;
  /** Start of the minute, Unix milliseconds. */
  readonly minute: number;
  readonly reason: Reason;
  readonly count: number;
  /** How many of them were accepted. */
  readonly accepted: number;
}

/** Times are Unix milliseconds, infinite where there is no bound; a range holds its start and not its end. */
export interface HistoryQuery {
  readonly destinationId: string;
  readonly startMs: number;
  readonly endMs: number;
  /** Only changes of a greater version; undefined = from the first. */
  readonly after: bigint | undefined;
  /** At most so many changes. */
  readonly size: number;
  /** The minutes whose counts are wanted, both finite. */
  readonly minutes: { readonly from: number; readonly to: number } | undefined;
}

export interface HistoryRows {
  /** The last change before the range's start and its first change, a removal too; only when `after` is undefined. */
  readonly before: ChangeRow | undefined;
  /** In the order of versions, without removals. */
  readonly changes: readonly ChangeRow[];
  /** In the order of minutes. */
  readonly counts: readonly CountRow[];
}

const HOUR_MS = 3_600_000;

/** What is kept. */
export const HISTORY_LIMITS = {
  /** Changes per destination, the newest. */
  changes: 10_000,
  /** Nothing is kept for longer. */
  ageMs: 7 * 24 * HOUR_MS,
  /** While there are more bytes than this, nothing is kept for longer than `ageWhenLargeMs`. */
  bytes: 1 << 30,
  ageWhenLargeMs: 24 * HOUR_MS,
  /** Rows that one prune() removes at most, so that it never takes long. */
  chunk: 500,
};

export type HistoryLimits = typeof HISTORY_LIMITS;
