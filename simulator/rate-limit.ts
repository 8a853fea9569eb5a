/** RingCentral's usage groups; the values of its headers are lower case. */
export type UsageGroup = "light" | "medium" | "heavy" | "auth";

const DEFAULT_LIMITS: Record<UsageGroup, number> = { light: 50, medium: 40, heavy: 10, auth: 5 };

// Shown in X-Rate-Limit-Limit when nothing is limited.
const UNLIMITED = 1_000_000;

/** What the gate said of one call; `retryAfter` (seconds) only when it was refused. */
export interface Allowance {
  readonly refused: boolean;
  readonly headers: Record<string, string>;
}

interface Usage {
  /** When each call of the last window came, in milliseconds. */
  calls: number[];
  penaltyUntil: number;
}

/**
 * RateLimits counts calls per token and usage group in a sliding window. The call after the last allowed one begins a
 * penalty in which everything is refused, and each call made inside it starts the penalty anew.
 */
export class RateLimits {
  readonly windowMs = 60_000;
  readonly penaltyMs = 60_000;
  readonly #limits: Record<UsageGroup, number>;
  readonly #now: () => number;
  readonly #usages = new Map<string, Usage>();

  constructor(limits: Partial<Record<UsageGroup, number>>, now: () => number) {
    this.#limits = { ...DEFAULT_LIMITS, ...limits };
    this.#now = now;
  }

  /** Changes a group's limit for calls from now on; Infinity = no limit. */
  setLimit(group: UsageGroup, limit: number): void {
    this.#limits[group] = limit;
  }

  /** Begins a penalty, as if the limit had been exceeded now. */
  penalize(token: string, group: UsageGroup): void {
    this.#usage(token, group).penaltyUntil = this.#now() + this.penaltyMs;
  }

  /** Counts one call. */
  take(token: string, group: UsageGroup): Allowance {
    const limit = this.#limits[group];
    const usage = this.#usage(token, group);
    const now = this.#now();
    if (limit === Number.POSITIVE_INFINITY && now >= usage.penaltyUntil) {
      return { refused: false, headers: this.headers(group, UNLIMITED) };
    }
    const start = now - this.windowMs;
    const live = usage.calls.findIndex((at) => at > start);
    usage.calls.splice(0, live === -1 ? usage.calls.length : live);
    if (now < usage.penaltyUntil || usage.calls.length >= limit) {
      usage.penaltyUntil = now + this.penaltyMs;
      const headers = { ...this.headers(group, 0), "Retry-After": String(this.penaltyMs / 1000) };
      return { refused: true, headers };
    }
    usage.calls.push(now);
    return { refused: false, headers: this.headers(group, limit - usage.calls.length) };
  }

  /** The four headers that go on every answer to a call of the group. */
  headers(group: UsageGroup, remaining: number): Record<string, string> {
    return {
      "X-Rate-Limit-Group": group,
      "X-Rate-Limit-Limit": String(Math.min(this.#limits[group], UNLIMITED)),
      "X-Rate-Limit-Remaining": String(remaining),
      "X-Rate-Limit-Window": String(this.windowMs / 1000),
    };
  }

  #usage(token: string, group: UsageGroup): Usage {
    const key = `${group} ${token}`;
    let usage = this.#usages.get(key);
    if (!usage) {
      usage = { calls: [], penaltyUntil: 0 };
      this.#usages.set(key, usage);
    }
    return usage;
  }
}
