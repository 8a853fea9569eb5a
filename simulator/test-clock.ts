import type { Clock } from "./clock.ts";

/** A clock that stands still until a test moves it. */
export class TestClock implements Clock {
  #now = Date.UTC(2026, 0, 5, 12);
  readonly #timers = new Set<{ due: number; then: () => void }>();

  now(): number {
    return this.#now;
  }

  after(ms: number, then: () => void): () => void {
    const timer = { due: this.#now + ms, then };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** As options of a simulator. */
  get options() {
    return { now: () => this.now(), after: (ms: number, then: () => void) => this.after(ms, then) };
  }

  /** Moves on, firing what falls due in the order of its time. */
  advance(ms: number): void {
    const end = this.#now + ms;
    for (;;) {
      const due = [...this.#timers].filter((timer) => timer.due <= end).sort((a, b) => a.due - b.due)[0];
      if (!due) break;
      this.#timers.delete(due);
      this.#now = due.due;
      due.then();
    }
    this.#now = end;
  }
}
