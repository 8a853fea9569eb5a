import type { SpanContext } from "@opentelemetry/api";
import type { Clock } from "../lib/clock.ts";
import type { Turn } from "../ringcentral/calls/turn.ts";
import type { ReadOutcome } from "./snapshot.ts";

/** Somebody who waits for a read. */
export interface Waiter {
  /** How long the read may take for his sake, Unix milliseconds. */
  readonly endsAt: number;
  /** The oldest that what is put together may be, Unix milliseconds. */
  readonly notBefore: number;
  readonly link?: SpanContext | undefined;
}

/** A caller who asks for a read and leaves when it takes too long. */
export interface Asking extends Waiter {
  readonly lateEnough: (sentAt: number) => boolean;
  /** When he leaves, Unix milliseconds. */
  readonly answerBy: number;
}

/**
 * Read is one read of RingCentral and everybody who waits for it. It runs until the longest timeout of those who wait;
 * one who leaves detaches only himself.
 */
export class Read {
  /** Its place among those who wait for the budget. */
  readonly turn: Turn;
  /** Unix milliseconds of the newest attempt's request; undefined while it waits for budget or a connection. */
  sentAt: number | undefined;
  readonly outcome: Promise<ReadOutcome>;
  /** Aborted when the longest timeout ran out. */
  readonly timeUp: AbortSignal;
  /** The RPCs it serves; the client span links to them. Later joiners are told to whoever listens. */
  readonly links: SpanContext[] = [];
  onLink: ((link: SpanContext) => void) | undefined;

  readonly #clock: Clock;
  readonly #abort = new AbortController();
  readonly #resolve: (outcome: ReadOutcome) => void;
  #endsAt = 0;
  #notBefore = 0;
  /** What else it is put together from was chosen by `notBefore`; undefined = not yet. */
  #chosenBy: number | undefined;
  #begun = false;
  /** Who wants to know when it is too late for him. */
  readonly #callers = new Set<{ readonly answerBy: number; readonly tooLate: (until: number) => void }>();
  #cancelTimer = () => {};

  constructor(clock: Clock, turn: Turn) {
    this.#clock = clock;
    this.turn = turn;
    turn.onWait = () => this.#tellWhoLeaves();
    this.timeUp = this.#abort.signal;
    const { promise, resolve } = Promise.withResolvers<ReadOutcome>();
    this.outcome = promise;
    this.#resolve = resolve;
  }

  /** When its time is up, Unix milliseconds; a read that nobody waits for waits for its turn as long as it takes. */
  get endsAt(): number {
    return this.#begun ? this.#endsAt : Number.POSITIVE_INFINITY;
  }

  /** It had its turn, or had to have it from the beginning. */
  get begun(): boolean {
    return this.#begun;
  }

  /** The last moment somebody waits for, Unix milliseconds. */
  get wantedUntil(): number {
    return this.#endsAt;
  }

  /** Whether what it is put together from will be new enough for somebody who joins now. */
  suits(notBefore: number): boolean {
    return this.#chosenBy === undefined || this.#chosenBy >= notBefore;
  }

  /** How new its parts have to be; from now on it suits nobody who wants newer ones. */
  choose(): number {
    this.#chosenBy = this.#notBefore;
    return this.#notBefore;
  }

  /** Somebody waits for it. */
  join({ endsAt, notBefore, link }: Waiter): void {
    if (link) {
      this.links.push(link);
      this.onLink?.(link);
    }
    this.#notBefore = Math.max(this.#notBefore, notBefore);
    if (endsAt <= this.#endsAt) return;
    this.#endsAt = endsAt;
    if (this.#begun) this.#startTimer();
  }

  /** What comes of it for a caller who joined; `late` says it of one who is gone by the time until which it waits. */
  outcomeFor({ answerBy }: Asking, late: (until: number) => ReadOutcome): Promise<ReadOutcome> {
    const { promise, resolve } = Promise.withResolvers<ReadOutcome>();
    this.#callers.add({ answerBy, tooLate: (until) => resolve(late(until)) });
    this.#tellWhoLeaves();
    void this.outcome.then(resolve);
    return promise;
  }

  /**
   * Its time runs from now on, for `forMs` milliseconds at least. Before that none runs out, or who joins late would find
   * it over before it began.
   */
  begin(forMs = 0): void {
    this.join({ endsAt: this.#clock.now() + forMs, notBefore: 0 });
    if (this.#begun) return;
    this.#begun = true;
    this.#startTimer();
  }

  finish(outcome: ReadOutcome): void {
    this.#cancelTimer();
    this.#resolve(outcome);
  }

  /** Nobody wants it any more. */
  stop(): void {
    this.#cancelTimer();
    this.#abort.abort();
  }

  #tellWhoLeaves(): void {
    const until = this.turn.waitsUntil;
    for (const caller of this.#callers) {
      if (until < caller.answerBy) continue;
      this.#callers.delete(caller);
      caller.tooLate(until);
    }
  }

  #startTimer(): void {
    this.#cancelTimer();
    this.#cancelTimer = this.#clock.after(this.#endsAt - this.#clock.now(), () => this.#abort.abort());
  }
}
