import type { Clock } from "../../lib/clock.ts";
import type { RateLimit } from "../../upstream/rate-limit.ts";
import type { Turn } from "./turn.ts";
import { USUAL_LIMITS, type UsageGroup } from "./usage-group.ts";

const USUAL_WINDOW_MS = 60_000;
/** Scheduled reads leave a fifth of the limit to Checks. */
export const SCHEDULED_SHARE = 0.8;
/** The rolling reconcile leaves half of the limit to everybody else. */
export const RECONCILE_SHARE = 0.5;
// Before the first answer nobody knows whether the limit is 10 or 1,000: so many calls find out, which takes a moment.
const FIRST_CALLS = 8;
const FIRST_ANSWER_MS = 250;

/** A usage group as RingCentral last reported it, what was spent since taken off. */
export interface BudgetState {
  readonly limit: number | undefined;
  readonly left: number | undefined;
}

interface Waiting {
  readonly turn: Turn;
  readonly units: number;
  readonly deadline: () => number;
  readonly settle: (outcome: TurnOutcome) => void;
  /** Where it waits. */
  budget: Budget;
}

/** `at`: when the call was counted. `until`: when one could be sent that cannot be before its deadline; Unix milliseconds. */
export type TurnOutcome =
  | { readonly granted: true; readonly at: number }
  | { readonly granted: false; readonly until: number };

/**
 * Budget counts the calls of one budget key and usage group in RingCentral's sliding window, so that the limit is kept
 * rather than found out, and says whose turn is next.
 */
export class Budget {
  readonly group: UsageGroup;
  readonly #clock: Clock;
  #limit: number | undefined;
  #windowMs = USUAL_WINDOW_MS;
  #answered = false;
  /** Times of the calls in the window, oldest first. */
  #calls: number[] = [];
  /** RingCentral said that nothing is left, which may be others' doing: wait it out. */
  #emptyUntil = 0;
  /** In the order in which they get their turn. */
  #waiting: Waiting[] = [];
  #cancelTimer = () => {};

  constructor(group: UsageGroup, clock: Clock) {
    this.group = group;
    this.#clock = clock;
  }

  /** Calls per minute of all purposes. */
  get perMinute(): number {
    return ((this.#limit ?? USUAL_LIMITS[this.group]) * 60_000) / this.#windowMs;
  }

  get state(): BudgetState {
    const limit = this.#limit;
    this.#forget(this.#clock.now());
    if (limit === undefined) return { limit, left: undefined };
    const empty = this.#emptyUntil > this.#clock.now();
    return { limit, left: empty ? 0 : Math.max(0, limit - this.#calls.length) };
  }

  /** A call that counts as `units` is sent now, whoever allowed it; answers when that is, Unix milliseconds. */
  spend(units = 1): number {
    const now = this.#clock.now();
    this.#forget(now);
    for (let unit = 0; unit < units; unit++) this.#calls.push(now);
    return now;
  }

  /** A call that had its turn, and was counted as `units` at `at`, was not sent after all. */
  refund(at: number, units = 1): void {
    const first = this.#calls.indexOf(at);
    if (first === -1) return;
    this.#calls.splice(first, units);
    this.#serve();
  }

  /** A call that was counted as `units` at `at` had to wait for a connection: it is sent, and counts, from now on. */
  sent(at: number, units = 1): number {
    if (at === this.#clock.now()) return at;
    const first = this.#calls.indexOf(at);
    if (first !== -1) this.#calls.splice(first, units);
    return this.spend(units);
  }

  /**
   * A call ended; `state` is what its answer said of the group, if that is to be believed. Its units were `counted` before
   * RingCentral had it: they count from now on, so that none leaves the window too soon.
   */
  observe(state: RateLimit | undefined, counted: readonly number[] = []): void {
    const now = this.#clock.now();
    this.#answered = true;
    for (const at of counted) this.sent(at);
    if (state) {
      this.#limit = state.limit;
      this.#windowMs = state.windowSeconds * 1000;
      this.#forget(now);
      this.#emptyUntil = state.left > 0 ? 0 : (this.#calls[0] ?? now) + this.#windowMs;
    }
    this.#serve();
  }

  /** When a call may be sent whose turn comes after `ahead` others: now, or when enough have left the window. */
  freeAt(turn: Pick<Turn, "forCheck" | "purpose">, ahead = 0, now = this.#clock.now()): number {
    this.#forget(now);
    const allowed = this.#allowed(turn);
    const excess = this.#calls.length + ahead - allowed;
    if (excess < 0) return Math.max(now, this.#emptyUntil);
    if (!this.#answered) return now + FIRST_ANSWER_MS;
    // The call after which, once it has left the window, there is room; one not sent yet goes when it has room itself.
    let call = excess;
    let windows = 1;
    for (; call >= Math.max(this.#calls.length, allowed); windows++) call -= allowed;
    const blocking = this.#calls[call] ?? now;
    return Math.max(now, blocking + windows * this.#windowMs, this.#emptyUntil);
  }

  /** When there is room for a call that counts as `units`; one that is larger than what it may use waits for all of that. */
  roomAt(turn: Pick<Turn, "forCheck" | "purpose">, units = 1, ahead = 0, now = this.#clock.now()): number {
    return this.freeAt(turn, ahead + Math.min(units, this.#allowed(turn)) - 1, now);
  }

  /**
   * Counts a call as sent as soon as it may be sent: a plain value when that is at once. Says as soon as it is known that it
   * cannot be before the deadline (Unix milliseconds), or when `gone` is aborted. `units`: how many calls it counts as.
   */
  take(turn: Turn, deadline: () => number, gone: AbortSignal, units = 1): TurnOutcome | Promise<TurnOutcome> {
    const before = this.#waiting.slice(0, this.#placeOf(turn)).filter((other) => inTheWay(other.turn, turn));
    const ahead = before.reduce((sum, other) => sum + other.units, 0);
    const freeAt = this.roomAt(turn, units, ahead);
    if (gone.aborted || freeAt >= deadline()) return { granted: false, until: freeAt };
    if (freeAt <= this.#clock.now()) return { granted: true, at: this.spend(units) };
    return this.#wait(turn, deadline, gone, units);
  }

  /** Takes over what was counted for, and who waits for, a budget that turned out to be the same. */
  absorb(other: Budget): void {
    this.#calls = [...this.#calls, ...other.#calls].sort((a, b) => a - b);
    if (this.#limit === undefined) {
      this.#limit = other.#limit;
      this.#windowMs = other.#windowMs;
    }
    this.#answered ||= other.#answered;
    this.#emptyUntil = Math.max(this.#emptyUntil, other.#emptyUntil);
    other.#cancelTimer();
    for (const waiting of other.#waiting.splice(0)) this.#enqueue(waiting);
    this.#serve();
  }

  /** Nobody waits and no call is left in the window, so that forgetting this budget loses nothing. */
  get idle(): boolean {
    const now = this.#clock.now();
    this.#forget(now);
    return this.#waiting.length === 0 && this.#calls.length === 0 && this.#emptyUntil <= now;
  }

  #wait(turn: Turn, deadline: () => number, gone: AbortSignal, units: number): Promise<TurnOutcome> {
    return new Promise((resolve) => {
      const settle = (outcome: TurnOutcome) => {
        turn.waitsUntil = 0;
        turn.onRaise = undefined;
        gone.removeEventListener("abort", leave);
        this.#leave(waiting);
        resolve(outcome);
      };
      const leave = () => {
        settle({ granted: false, until: waiting.budget.roomAt(turn, units) });
        waiting.budget.#serve();
      };
      const waiting: Waiting = { turn, units, deadline, settle, budget: this };
      gone.addEventListener("abort", leave, { once: true });
      this.#enqueue(waiting);
      this.#serve();
    });
  }

  #allowed({ forCheck, purpose }: Pick<Turn, "forCheck" | "purpose">): number {
    if (!this.#answered) return FIRST_CALLS;
    if (forCheck && this.#limit === undefined) return Number.POSITIVE_INFINITY;
    const share = forCheck ? 1 : purpose === "reconcile" ? RECONCILE_SHARE : SCHEDULED_SHARE;
    return Math.max(1, Math.floor(share * (this.#limit ?? USUAL_LIMITS[this.group])));
  }

  /** Puts it behind those whose turn comes first, and again whenever that becomes others. */
  #enqueue(waiting: Waiting): void {
    this.#leave(waiting);
    this.#waiting.splice(this.#placeOf(waiting.turn), 0, waiting);
    waiting.budget = this;
    waiting.turn.onRaise = () => {
      this.#enqueue(waiting);
      this.#serve();
    };
  }

  #leave(waiting: Waiting): void {
    const { budget } = waiting;
    budget.#waiting = budget.#waiting.filter((other) => other !== waiting);
  }

  #placeOf(turn: Turn): number {
    const behind = this.#waiting.findIndex((other) => other.turn.order > turn.order);
    return behind === -1 ? this.#waiting.length : behind;
  }

  /** Gives turns to those who may go, and tells the others how long it takes. */
  #serve(): void {
    this.#cancelTimer();
    const now = this.#clock.now();
    let wakeAt = Number.POSITIVE_INFINITY;
    let ahead = 0;
    let checksAhead = 0;
    for (const waiting of [...this.#waiting]) {
      const { turn, units } = waiting;
      const freeAt = this.roomAt(turn, units, turn.forCheck ? checksAhead : ahead, now);
      if (freeAt <= now) {
        waiting.settle({ granted: true, at: this.spend(units) });
        continue;
      }
      turn.waitsUntil = freeAt;
      if (freeAt >= waiting.deadline()) {
        waiting.settle({ granted: false, until: freeAt });
        continue;
      }
      wakeAt = Math.min(wakeAt, freeAt);
      ahead += units;
      if (turn.forCheck) checksAhead += units;
    }
    if (Number.isFinite(wakeAt)) this.#cancelTimer = this.#clock.after(wakeAt - now, () => this.#serve());
  }

  #forget(now: number): void {
    const gone = this.#calls.findIndex((time) => time > now - this.#windowMs);
    this.#calls.splice(0, gone === -1 ? this.#calls.length : gone);
  }
}

/** Whether one whose turn comes first takes what another could take: not where his share of the limit is used up sooner. */
function inTheWay(first: Turn, then: Turn): boolean {
  return first.forCheck || !then.forCheck;
}
