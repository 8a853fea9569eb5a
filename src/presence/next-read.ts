import type { Clock } from "../lib/clock.ts";

/** NextRead is the time at which a question is read again of itself. */
export class NextRead {
  readonly #clock: Clock;
  #at: number | undefined;
  #cancel = () => {};

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** When the read is expected, Unix milliseconds; undefined when none is set. */
  get at(): number | undefined {
    return this.#at;
  }

  /** Calls `then` when it is due; the budget may let it go later, at `expected`. */
  set(due: number, expected: number, then: () => void): void {
    this.cancel();
    this.#at = expected;
    this.#cancel = this.#clock.after(due - this.#clock.now(), () => {
      this.#at = undefined;
      then();
    });
  }

  cancel(): void {
    this.#cancel();
    this.#at = undefined;
  }
}
