import type { Clock } from "./clock.ts";

/** TestClock stands still until a test moves it; timers fire in the order of their due times. */
export class TestClock implements Clock {
  #now: number;
  readonly #timers = new Set<{ due: number; then: () => void }>();

  constructor(now = Date.UTC(2026, 0, 5, 12)) {
    this.#now = now;
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

  /** Moves on by `ms`, firing what falls due, and lets pending promises settle before and after each timer. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    await settle();
    for (let next = this.#due(end); next; next = this.#due(end)) {
      this.#timers.delete(next);
      this.#now = next.due;
      next.then();
      await settle();
    }
    this.#now = end;
    await settle();
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
