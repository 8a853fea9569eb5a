/** Clock is the only way this service learns the time or waits, so that tests decide both. */
export interface Clock {
  /** Unix time in milliseconds, with a fraction; never goes back within one process. */
  now(): number;
  /** Calls `then` once after `ms` (0 or more); the returned function cancels it. Never keeps the process alive. */
  after(ms: number, then: () => void): () => void;
}

// setTimeout fires at once when its delay does not fit into 31 bits.
const LONGEST_TIMER_MS = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => performance.timeOrigin + performance.now(),
  after(ms, then) {
    const timer = setTimeout(then, Math.min(Math.max(ms, 0), LONGEST_TIMER_MS));
    timer.unref();
    return () => clearTimeout(timer);
  },
};

/** Resolves after `ms`, or as soon as `signal` is aborted; it never rejects. */
export function sleep(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const finish = () => {
      cancel();
      signal?.removeEventListener("abort", finish);
      resolve();
    };
    const cancel = clock.after(ms, finish);
    signal?.addEventListener("abort", finish, { once: true });
  });
}
