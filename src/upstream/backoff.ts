import type { UpstreamFailure } from "./failure.ts";

/** How long to leave RingCentral alone after one kind of failure, doubling from `first` to `most`, in milliseconds. */
interface Series {
  readonly name: string;
  readonly first: number;
  readonly most: number;
}

const REFUSED: Series = { name: "refused", first: 10_000, most: 60_000 };
const TROUBLE: Series = { name: "trouble", first: 250, most: 5_000 };
const PENALTY: Series = { name: "penalty", first: 60_000, most: 60_000 };

const SERIES: Record<UpstreamFailure["reason"], Series> = {
  UPSTREAM_NOT_FOUND: REFUSED,
  UPSTREAM_PERMISSION_DENIED: REFUSED,
  UPSTREAM_UNAUTHENTICATED: REFUSED,
  UPSTREAM_TIMEOUT: TROUBLE,
  UPSTREAM_BAD_RESPONSE: TROUBLE,
  UPSTREAM_UNAVAILABLE: TROUBLE,
  UPSTREAM_RATE_LIMITED: PENALTY,
};

// What ended this long ago says nothing about the next failure.
const FORGET_AFTER_MS = 300_000;

interface Entry {
  failure: UpstreamFailure;
  until: number;
  /** Failures in a row, each after the back-off of the one before; 0 after a success. */
  failures: number;
  /** RingCentral named the time, or counts calls made before it: no configuration ends it sooner. */
  firm: boolean;
}

/** A back-off in force. */
export interface BackOff {
  readonly failure: UpstreamFailure;
  /** Unix milliseconds at which it makes sense to ask again. */
  readonly until: number;
}

/**
 * BackOffs remembers what not to ask, and until when, so that one failure answers everybody instead of being repeated by
 * everybody. Keys are the caller's; each kind of failure of a key doubles for itself.
 */
export class BackOffs {
  readonly #keys = new Map<string, Map<Series, Entry>>();
  #sweepAt = Number.NEGATIVE_INFINITY;

  /** `key` failed at `now`; returns when its back-off ends. Failures inside a back-off do not double it. */
  open(key: string, failure: UpstreamFailure, now: number): number {
    this.#sweep(now);
    const series = SERIES[failure.reason];
    const entries = this.#keys.get(key) ?? new Map<Series, Entry>();
    this.#keys.set(key, entries);
    const before = entries.get(series);
    const inside = before !== undefined && now < before.until;
    const failures = inside ? Math.max(before.failures, 1) : (before?.failures ?? 0) + 1;
    const doubled = Math.min(series.first * 2 ** (failures - 1), series.most);
    const asked = failure.retryAfterMs;
    const firm = asked !== undefined || series === PENALTY;
    // Reads that were under way when the back-off began fail inside it and do not prolong it; RingCentral's word does.
    const ends = firm || !inside ? now + (asked ?? doubled) : before.until;
    if (inside && before.until >= ends) {
      entries.set(series, { ...before, failures, firm: before.firm || firm });
      return before.until;
    }
    entries.set(series, { failure, until: ends, failures, firm });
    return ends;
  }

  /** The back-off among those of `keys` that ends last; undefined when all may be asked. */
  blocked(keys: readonly string[], now: number): BackOff | undefined {
    this.#sweep(now);
    let longest: Entry | undefined;
    for (const key of keys) {
      for (const entry of this.#keys.get(key)?.values() ?? []) {
        if (entry.until > now && entry.until > (longest?.until ?? 0)) longest = entry;
      }
    }
    return longest && { failure: longest.failure, until: longest.until };
  }

  /** A read with these keys succeeded: their next failures begin anew. What is in force stays. */
  succeeded(keys: readonly string[]): void {
    for (const key of keys) for (const entry of this.#keys.get(key)?.values() ?? []) entry.failures = 0;
  }

  /** What these keys failed for may be cured: ends their back-offs, but never one that RingCentral asked for. */
  forgive(keys: readonly string[]): void {
    for (const key of keys) {
      const entries = this.#keys.get(key);
      for (const [series, entry] of entries ?? []) if (!entry.firm) entries?.delete(series);
      if (entries?.size === 0) this.#keys.delete(key);
    }
  }

  /** Keys remembered, for asserting that none leak. */
  get size(): number {
    return this.#keys.size;
  }

  #sweep(now: number): void {
    if (now < this.#sweepAt) return;
    this.#sweepAt = now + FORGET_AFTER_MS;
    for (const [key, entries] of this.#keys) {
      for (const [series, entry] of entries) if (entry.until + FORGET_AFTER_MS <= now) entries.delete(series);
      if (entries.size === 0) this.#keys.delete(key);
    }
  }
}
