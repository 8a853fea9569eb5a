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
  /** When each call of the last window that was let in came, in milliseconds. */
  calls: number[];
  /** The same with those refused. */
  arrived: number[];
  penaltyUntil: number;
  most: number;
}

/**
 * RateLimits counts calls per user and app (the caller) and usage group in a sliding window. The call after the last allowed one begins a
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

  knows(group: string): boolean {
    return Object.hasOwn(this.#limits, group);
  }

  /** Begins a penalty, as if the limit had been exceeded now. */
  penalize(caller: string, group: UsageGroup): void {
    this.#usage(caller, group).penaltyUntil = this.#now() + this.penaltyMs;
  }

  /** Counts one call, or one that counts as `cost` of them. */
  take(caller: string, group: UsageGroup, cost = 1): Allowance {
    const limit = this.#limits[group];
    const usage = this.#usage(caller, group);
    const now = this.#now();
    const came = Array.from({ length: cost }, () => now);
    forget(usage.arrived, now - this.windowMs);
    usage.arrived.push(...came);
    usage.most = Math.max(usage.most, usage.arrived.length);
    if (limit === Number.POSITIVE_INFINITY && now >= usage.penaltyUntil) {
      return { refused: false, headers: this.headers(group, UNLIMITED) };
    }
    forget(usage.calls, now - this.windowMs);
    if (now < usage.penaltyUntil || usage.calls.length + cost > limit) {
      usage.penaltyUntil = now + this.penaltyMs;
      const headers = { ...this.headers(group, 0), "Retry-After": String(this.penaltyMs / 1000) };
      return { refused: true, headers };
    }
    usage.calls.push(...came);
    return { refused: false, headers: this.headers(group, limit - usage.calls.length) };
  }

  /** The most calls of the group, refused ones too, that one caller made in any window so far. */
  most(group: UsageGroup): number {
    const all = [...this.#usages].filter(([key]) => key.startsWith(`${group} `));
    return Math.max(0, ...all.map(([, { most }]) => most));
  }

  /** The same of every group. */
  mostOfAll(): Record<UsageGroup, number> {
    return {
      light: this.most("light"),
      medium: this.most("medium"),
      heavy: this.most("heavy"),
      auth: this.most("auth"),
    };
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

  #usage(caller: string, group: UsageGroup): Usage {
    const key = `${group} ${caller}`;
    let usage = this.#usages.get(key);
    if (!usage) {
      usage = { calls: [], arrived: [], penaltyUntil: 0, most: 0 };
      this.#usages.set(key, usage);
    }
    return usage;
  }
}

// The window is open at its start: what came exactly one window ago is forgotten.
function forget(times: number[], start: number): void {
  const live = times.findIndex((at) => at > start);
  times.splice(0, live === -1 ? times.length : live);
}
