import type { RateLimit } from "../upstream/rate-limit.ts";

// RingCentral's default for Light calls, assumed for scheduled reads until an answer says otherwise.
const ASSUMED = { limit: 50, windowMs: 60_000 };
/** Scheduled reads leave a fifth of the limit to Checks. */
export const SCHEDULED_SHARE = 0.8;

/**
 * Budget counts the calls of one budget key and usage group in RingCentral's sliding window, so that the limit is kept
 * rather than found out. Until RingCentral has named a limit, Checks are free and scheduled reads assume the default.
 */
export class Budget {
  #limit: number | undefined;
  #windowMs = ASSUMED.windowMs;
  /** Times of the calls in the window, oldest first. */
  readonly #calls: number[] = [];
  /** RingCentral said that nothing is left, which may be others' doing: wait it out. */
  #emptyUntil = 0;

  /** Calls per minute that scheduled reads may share. */
  get scheduledPerMinute(): number {
    return (SCHEDULED_SHARE * (this.#limit ?? ASSUMED.limit) * 60_000) / this.#windowMs;
  }

  /** A call is sent at `now`. */
  spend(now: number): void {
    this.#forget(now);
    this.#calls.push(now);
  }

  /** An answer to a call came at `now` and carried the group's state. */
  observe(state: RateLimit, now: number): void {
    this.#limit = state.limit;
    this.#windowMs = state.windowSeconds * 1000;
    this.#forget(now);
    this.#emptyUntil = state.left > 0 ? 0 : (this.#calls[0] ?? now) + this.#windowMs;
  }

  /** When a call may be sent: `now`, or the time at which one leaves the window. */
  freeAt(now: number, purpose: "check" | "scheduled"): number {
    this.#forget(now);
    const known = this.#limit;
    if (purpose === "check" && known === undefined) return now;
    const share = purpose === "check" ? 1 : SCHEDULED_SHARE;
    const allowed = Math.max(1, Math.floor(share * (known ?? ASSUMED.limit)));
    const blocking = this.#calls[this.#calls.length - allowed];
    const room = blocking === undefined ? now : blocking + this.#windowMs;
    return Math.max(now, room, this.#emptyUntil);
  }

  /** No call is left in the window, so that forgetting this budget loses nothing. */
  idle(now: number): boolean {
    this.#forget(now);
    return this.#calls.length === 0 && this.#emptyUntil <= now;
  }

  #forget(now: number): void {
    const gone = this.#calls.findIndex((time) => time > now - this.#windowMs);
    this.#calls.splice(0, gone === -1 ? this.#calls.length : gone);
  }
}
