import type { Clock } from "../../lib/clock.ts";
import type { Secret } from "../../lib/secret.ts";
import { pushTokenFailed } from "../../telemetry/push-events.ts";
import type { UpstreamFailure } from "../../upstream/failure.ts";
import { timedOut } from "./push-failure.ts";
import { Pace, Retry } from "./push-pace.ts";
import type { DialEnd, Need, PushShard } from "./push-shard.ts";

/** Where to open a socket and with which token, for one use; or why there is none and until when not to ask again. */
export type WsTokenOutcome =
  | { readonly ok: true; readonly uri: string; readonly token: Secret }
  | { readonly ok: false; readonly failure: UpstreamFailure; readonly until: number };

/** Asks for a token for one socket; it never rejects. */
export type WsToken = (timeUp: AbortSignal) => Promise<WsTokenOutcome>;

const TOKEN_TIMEOUT_MS = 15_000;

interface Deps {
  readonly clock: Clock;
  readonly random: () => number;
  readonly connection: string;
  readonly wsToken: WsToken;
  readonly shards: () => readonly PushShard[];
  readonly onTokenFailed: (failure: UpstreamFailure) => void;
  /** An attempt began or ended. */
  readonly onChange: () => void;
}

const URGENCY: Record<Need["purpose"], number> = { connect: 0, renew: 1, change: 2 };

/**
 * Dialer opens the sockets that shards need, one after the other, and spares the Auth group: an outage of push alone must
 * not use up the calls that renew the access token.
 */
export class Dialer {
  readonly #deps: Deps;
  readonly #pace: Pace;
  /** Of tokens and sockets, which fail for all shards alike. */
  readonly #retry: Retry;
  /** Of subscriptions, which may fail for one shard. */
  readonly #retries = new Map<PushShard, Retry>();
  #cancelTimer: () => void = () => {};
  #dialling: PushShard | undefined;
  #giveUp: AbortController | undefined;
  #closed = false;

  constructor(deps: Deps) {
    this.#deps = deps;
    this.#pace = new Pace(deps.clock);
    this.#retry = new Retry(deps.clock, deps.random);
  }

  /** Looks at what the shards need; dials now or when it is time. */
  look(): void {
    this.#cancelTimer();
    this.#cancelTimer = () => {};
    if (this.#closed || this.#dialling) return;
    const { clock, shards } = this.#deps;
    const now = clock.now();
    const needs = shards().flatMap((shard) => {
      const need = shard.need();
      return need ? [{ shard, purpose: need.purpose, at: Math.max(need.at, this.#allowedAt(shard, need, now)) }] : [];
    });
    needs.sort((a, b) => Math.max(a.at, now) - Math.max(b.at, now) || URGENCY[a.purpose] - URGENCY[b.purpose]);
    const first = needs[0];
    if (!first) return;
    if (first.at > now) this.#cancelTimer = clock.after(first.at - now, () => this.look());
    else void this.#dial(first.shard, first.purpose);
  }

  /** The shard is not there any more. */
  forget(shard: PushShard): void {
    this.#retries.delete(shard);
    if (this.#dialling !== shard) return;
    this.#giveUp?.abort();
    this.#dialling = undefined;
    this.look();
  }

  close(): void {
    this.#closed = true;
    this.#cancelTimer();
    this.#giveUp?.abort();
  }

  #allowedAt(shard: PushShard, { purpose }: Need, now: number): number {
    const own = this.#retries.get(shard)?.notBefore ?? 0;
    return Math.max(this.#pace.freeAt(purpose, now), this.#retry.notBefore, own);
  }

  async #dial(shard: PushShard, purpose: Need["purpose"]): Promise<void> {
    this.#dialling = shard;
    this.#deps.onChange();
    this.#pace.spend();
    const outcome = await this.#token();
    if (this.#closed || this.#dialling !== shard) return;
    if (outcome.ok) {
      // At once: the token is for one use and does not live long.
      shard.dial(outcome, purpose, (end) => this.#dialled(shard, end));
      return;
    }
    const { failure, until } = outcome;
    pushTokenFailed({ connection: this.#deps.connection, outcome: failure.reason, message: failure.message });
    this.#retry.failed(until);
    this.#deps.onTokenFailed(failure);
    this.#done();
  }

  /** A token that comes after its time is nobody's. */
  async #token(): Promise<WsTokenOutcome> {
    const { clock, wsToken } = this.#deps;
    const giveUp = new AbortController();
    this.#giveUp = giveUp;
    const late = new Promise<WsTokenOutcome>((resolve) => {
      const failure = timedOut("get a token for push", "RingCentral did not answer in time");
      giveUp.signal.addEventListener("abort", () => resolve({ ok: false, failure, until: 0 }), { once: true });
    });
    const cancel = clock.after(TOKEN_TIMEOUT_MS, () => giveUp.abort());
    try {
      return await Promise.race([wsToken(giveUp.signal), late]);
    } finally {
      cancel();
      if (this.#giveUp === giveUp) this.#giveUp = undefined;
    }
  }

  #dialled(shard: PushShard, end: DialEnd): void {
    if (this.#closed || this.#dialling !== shard) return;
    const own = this.#retries.get(shard) ?? new Retry(this.#deps.clock, this.#deps.random);
    this.#retries.set(shard, own);
    const asked = end?.failure.retryAfterMs;
    const until = asked === undefined ? 0 : this.#deps.clock.now() + asked;
    // Whoever was to subscribe had a token and a socket.
    if (end?.reason === "not_subscribed") own.failed(until);
    else if (end) this.#retry.failed(until);
    if (!end) own.succeeded();
    if (!end || end.reason === "not_subscribed") this.#retry.succeeded();
    this.#done();
  }

  #done(): void {
    this.#dialling = undefined;
    this.#deps.onChange();
    this.look();
  }
}
