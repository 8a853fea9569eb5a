import type { Clock } from "./clock.ts";

/** TestWorld is time as nobody's clock shows it; tests move it. What falls due happens in the order of its time. */
export class TestWorld {
  #now = 0;
  readonly #timers = new Set<{ due: number; then: () => void }>();

  get now(): number {
    return this.#now;
  }

  /** Timers that have not fired, for asserting that nothing is left running. */
  get pending(): number {
    return this.#timers.size;
  }

  after(ms: number, then: () => void): () => void {
    const timer = { due: this.#now + Math.max(ms, 0), then };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** A local clock that runs `rate` times as fast. */
  clock(rate = 1, origin = 1000): Clock {
    return { now: () => origin + this.#now * rate, after: (ms, then) => this.after(ms / rate, then) };
  }

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
