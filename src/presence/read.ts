import type { SpanContext } from "@opentelemetry/api";
import type { Clock } from "../lib/clock.ts";
import type { ReadOutcome } from "./snapshot.ts";

/**
 * Read is one read of RingCentral and everybody who waits for it. It runs until the longest timeout of those who wait;
 * one who leaves detaches only himself.
 */
export class Read {
  /** Unix milliseconds of the newest attempt's request; undefined while it waits for budget or a connection. */
  sentAt: number | undefined;
  /** Until when it waits for the budget, Unix milliseconds; 0 when it does not. */
  waitsUntil = 0;
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
  #begun = false;
  #cancelTimer = () => {};

  constructor(clock: Clock) {
    this.#clock = clock;
    this.timeUp = this.#abort.signal;
    const { promise, resolve } = Promise.withResolvers<ReadOutcome>();
    this.outcome = promise;
    this.#resolve = resolve;
  }

  /** When its time is up, Unix milliseconds. */
  get endsAt(): number {
    return this.#endsAt;
  }

  /** Somebody waits until `endsAt`. */
  join(endsAt: number, link: SpanContext | undefined): void {
    if (link) {
      this.links.push(link);
      this.onLink?.(link);
    }
    if (endsAt <= this.#endsAt) return;
    this.#endsAt = endsAt;
    if (this.#begun) this.#startTimer();
  }

  /** Its turn has come. Before that no time runs out, or who joins late would find it over before it began. */
  begin(): void {
    this.#begun = true;
    this.#startTimer();
  }

  finish(outcome: ReadOutcome): void {
    this.#cancelTimer();
    this.#resolve(outcome);
  }

  /** The service stops. */
  stop(): void {
    this.#cancelTimer();
    this.#abort.abort();
  }

  #startTimer(): void {
    this.#cancelTimer();
    this.#cancelTimer = this.#clock.after(this.#endsAt - this.#clock.now(), () => this.#abort.abort());
  }
}
