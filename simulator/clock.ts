/** The simulator's only way to know the time and to wait, so that tests decide both. */
export interface Clock {
  /** Unix milliseconds. */
  now(): number;
  /** Calls `then` once after `ms`; the returned function cancels it. */
  after(ms: number, then: () => void): () => void;
}

/** SimulatorClock is a clock whose timers end with the simulator. */
export class SimulatorClock implements Clock {
  readonly #now: () => number;
  readonly #after: Clock["after"];
  readonly #cancels = new Set<() => void>();

  /** Real timers unless `after` is given. */
  constructor(given: { now?: (() => number) | undefined; after?: Clock["after"] | undefined }) {
    this.#now = given.now ?? Date.now;
    this.#after = given.after ?? realTimer;
  }

  now(): number {
    return this.#now();
  }

  after(ms: number, then: () => void): () => void {
    const cancel = () => {
      this.#cancels.delete(cancel);
      cancelTimer();
    };
    const cancelTimer = this.#after(ms, () => {
      this.#cancels.delete(cancel);
      then();
    });
    this.#cancels.add(cancel);
    return cancel;
  }

  /** Cancels every timer. */
  close(): void {
    for (const cancel of [...this.#cancels]) cancel();
  }
}

/** Resolves after `ms`, or as soon as `signal` is aborted; it never rejects. */
export function pause(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const finish = () => {
      cancel();
      signal.removeEventListener("abort", finish);
      resolve();
    };
    const cancel = clock.after(ms, finish);
    signal.addEventListener("abort", finish, { once: true });
  });
}

// setTimeout fires at once when its delay does not fit into 31 bits.
const LONGEST_TIMER_MS = 2 ** 31 - 1;

function realTimer(ms: number, then: () => void): () => void {
  const timer = setTimeout(then, Math.min(ms, LONGEST_TIMER_MS));
  return () => clearTimeout(timer);
}
