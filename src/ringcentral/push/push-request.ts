import { randomUUID } from "node:crypto";
import type { Clock } from "../../lib/clock.ts";
import type { PushFilter } from "./push-event.ts";
import { answerFailure, notUnderstood, type SessionEnd, timedOut } from "./push-failure.ts";
import { filterPath } from "./push-filters.ts";
import { type FrameAnswer, printSubscribe } from "./push-frames.ts";
import { guiltyFilters, type RefusedFilter, readSubscription, type Subscription } from "./push-subscription.ts";

const TIMEOUT_MS = 10_000;
const ACTION = "subscribe to presence";

interface Deps {
  readonly clock: Clock;
  readonly send: (text: string) => void;
  /** A secret that no failure may quote. */
  readonly hide: string;
  readonly onSubscribed: (subscription: Subscription) => void;
  readonly onFailed: (failure: SessionEnd["failure"]) => void;
}

/** SubscribeRequest asks for a subscription on one socket, without the filters that spoil it, and waits for the answer. */
export class SubscribeRequest {
  readonly #deps: Deps;
  #asked: readonly PushFilter[] = [];
  #refused: readonly RefusedFilter[] = [];
  #messageId: string | undefined;
  #askedAt = 0;
  #cancelTimeout: () => void = () => {};

  constructor(deps: Deps) {
    this.#deps = deps;
  }

  /** When it was last asked. */
  get askedAt(): number {
    return this.#askedAt;
  }

  ask(filters: readonly PushFilter[]): void {
    this.#refused = [];
    this.#send(filters);
  }

  /** An answer came, maybe to this. */
  answered(messageId: string, answer: FrameAnswer): void {
    if (messageId !== this.#messageId) return;
    this.stop();
    if (answer.status >= 200 && answer.status < 300) this.#succeeded(answer.body);
    else this.#failed(answer);
  }

  stop(): void {
    this.#messageId = undefined;
    this.#cancelTimeout();
  }

  #send(filters: readonly PushFilter[]): void {
    this.stop();
    const { clock, onFailed, onSubscribed, send } = this.#deps;
    this.#asked = filters;
    this.#askedAt = clock.now();
    if (filters.length === 0) {
      onSubscribed({ served: new Set(), refused: this.#refused, expiresInMs: undefined });
      return;
    }
    this.#cancelTimeout = clock.after(TIMEOUT_MS, () => {
      this.stop();
      onFailed(timedOut(ACTION, "RingCentral did not answer in time"));
    });
    this.#messageId = randomUUID();
    send(printSubscribe(this.#messageId, filters.map(filterPath)));
  }

  #succeeded(body: unknown): void {
    const subscription = readSubscription(this.#asked, body);
    if (!subscription) {
      this.#deps.onFailed(notUnderstood(ACTION, "RingCentral's answer names no filters"));
      return;
    }
    this.#deps.onSubscribed({ ...subscription, refused: [...this.#refused, ...subscription.refused] });
  }

  #failed(answer: FrameAnswer): void {
    const { clock, hide, onFailed } = this.#deps;
    const guilty = guiltyFilters(this.#asked, answer, hide);
    if (guilty.length === 0) {
      onFailed(answerFailure(answer, { action: ACTION, hide, now: clock.now() }));
      return;
    }
    const spoilt = new Set(guilty.map(({ filter }) => filter));
    this.#refused = [...this.#refused, ...guilty];
    this.#send(this.#asked.filter((filter) => !spoilt.has(filter)));
  }
}
