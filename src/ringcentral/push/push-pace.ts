import type { Clock } from "../../lib/clock.ts";
import type { PushPurpose } from "../../telemetry/push-events.ts";

// Every socket costs a call of the Auth group, which renewing the access token needs too.
const WINDOW_MS = 60_000;
const MOST_IN_WINDOW = 3;
// Changes and renewals leave the last one to a shard that is down.
const MOST_FOR_COMFORT = 2;
const STEPS_MS = [1_000, 5_000, 15_000, 30_000, 60_000];

/** Pace says when the next token for a socket may be asked for, by all shards of a connection together. */
export class Pace {
  readonly #clock: Clock;
  /** Times of the calls in the window, oldest first. */
  #calls: number[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  spend(): void {
    this.#calls.push(this.#clock.now());
  }

  freeAt(purpose: PushPurpose, now: number): number {
    this.#calls = this.#calls.filter((time) => time > now - WINDOW_MS);
    const most = purpose === "connect" ? MOST_IN_WINDOW : MOST_FOR_COMFORT;
    const blocking = this.#calls[this.#calls.length - most];
    return blocking === undefined ? now : blocking + WINDOW_MS;
  }
}

/** Retry spaces attempts that fail, more with every failure in a row, and with jitter. */
export class Retry {
  readonly #clock: Clock;
  readonly #random: () => number;
  #failures = 0;
  #notBefore = 0;

  constructor(clock: Clock, random: () => number) {
    this.#clock = clock;
    this.#random = random;
  }

  /** Unix milliseconds. */
  get notBefore(): number {
    return this.#notBefore;
  }

  /** `until` is when it makes sense again, as far as that is known. */
  failed(until = 0): void {
    const step = STEPS_MS[Math.min(this.#failures++, STEPS_MS.length - 1)]!;
    const jittered = step * (0.8 + 0.4 * this.#random());
    this.#notBefore = Math.max(this.#clock.now() + jittered, until);
  }

  succeeded(): void {
    this.#failures = 0;
    this.#notBefore = 0;
  }
}
