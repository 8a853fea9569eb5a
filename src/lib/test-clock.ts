import type { Clock } from "./clock.ts";

/**
 * TestClock stands still until a test moves it; timers fire in the order of their due times. `quiet` waits for what they
 * cause; where that goes over sockets, the test has to say how.
 */
export class TestClock implements Clock {
  #now: number;
  readonly #quiet: () => Promise<void>;
  readonly #timers = new Set<{ due: number; then: () => void }>();

  constructor(now = Date.UTC(2026, 0, 5, 12), quiet = settle) {
    this.#now = now;
    this.#quiet = quiet;
  }

  now(): number {
    return this.#now;
  }

  after(ms: number, then: () => void): () => void {
    const timer = { due: this.#now + Math.max(ms, 0), then };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** Timers that have not fired, for asserting that nothing is left running. */
  get pending(): number {
    return this.#timers.size;
  }

  /** Moves on by `ms`, firing what falls due, and waits until it is quiet before and after each timer. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    await this.#quiet();
    for (let next = this.#due(end); next; next = this.#due(end)) {
      this.#timers.delete(next);
      this.#now = next.due;
      next.then();
      await this.#quiet();
    }
    this.#now = end;
    await this.#quiet();
  }

  #due(end: number) {
    let first: { due: number; then: () => void } | undefined;
    for (const timer of this.#timers) if (timer.due <= end && (!first || timer.due < first.due)) first = timer;
    return first;
  }
}

/** Lets everything that is already runnable run, promise chains and immediates included. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
}
