/** Clock is the only way this client learns the time or waits, so that tests decide both. */
export interface Clock {
  /**
   * Milliseconds from any origin, with a fraction; never goes back. It must count the time that the machine sleeps: what
   * does not look older after that is taken for fresh.
   */
  now(): number;
  /** Calls `then` once after `ms` (0 or more); the returned function cancels it. */
  after(ms: number, then: () => void): () => void;
}

// setTimeout fires at once when its delay does not fit into 31 bits.
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Time as this machine tells it, counted on over sleep. */
export function createSystemClock(): Clock {
  const wallOrigin = Date.now() - performance.now();
  let sleptMs = 0;
  return {
    now() {
      const ran = performance.now();
      // performance.now() stands still while some systems sleep. The wall clock, which counts whole milliseconds, may be
      // set; but whatever it says, this only adds time: what is held looks older, never younger.
      const behindMs = Date.now() + 1 - wallOrigin - ran;
      if (behindMs > sleptMs) sleptMs = behindMs;
      return ran + sleptMs;
    },
    after(ms, then) {
      const timer: unknown = setTimeout(then, Math.min(Math.max(ms, 0), LONGEST_TIMER_MS));
      if (isNodeTimer(timer)) timer.unref();
      return () => clearTimeout(timer as ReturnType<typeof setTimeout>);
    },
  };
}

/** Browsers give a number; a timer of Node must not keep the process alive. */
function isNodeTimer(timer: unknown): timer is { unref(): void } {
  return typeof timer === "object" && timer !== null && "unref" in timer;
}

/** Resolves after `ms`, or as soon as `signal` is aborted; it never rejects. */
export function sleep(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
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
