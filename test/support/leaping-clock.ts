import { type Clock, systemClock } from "../../src/lib/clock.ts";

interface Timer {
  readonly due: number;
  readonly then: () => void;
  cancel: () => void;
}

/** The real clock, which a test may set forward: what falls due by that happens at once. */
export class LeapingClock implements Clock {
  readonly #timers = new Set<Timer>();
  #aheadMs = 0;

  now(): number {
    return systemClock.now() + this.#aheadMs;
  }

  after(ms: number, then: () => void): () => void {
    const timer: Timer = { due: this.now() + Math.max(ms, 0), then, cancel: () => {} };
    this.#timers.add(timer);
    this.#arm(timer);
    return () => {
      timer.cancel();
      this.#timers.delete(timer);
    };
  }

  leap(ms: number): void {
    this.#aheadMs += ms;
    for (const timer of [...this.#timers].sort((a, b) => a.due - b.due)) {
      timer.cancel();
      this.#arm(timer);
    }
  }

  #arm(timer: Timer): void {
    timer.cancel = systemClock.after(timer.due - this.now(), () => {
      this.#timers.delete(timer);
      timer.then();
    });
  }
}
