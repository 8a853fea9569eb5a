import type { OAuthAccess } from "../../connections/credentials.ts";
import type { Clock } from "../../lib/clock.ts";
import type { Secret } from "../../lib/secret.ts";
import { timeIsUp } from "../../lib/time-is-up.ts";
import {
  refreshTokenEnding,
  tokenHeld,
  tokenRenewalFailed,
  tokenRenewed,
  tokenStoreTrouble,
} from "../../telemetry/token-events.ts";
import { BackOffs } from "../../upstream/backoff.ts";
import type { UpstreamFailure } from "../../upstream/failure.ts";
import type { Issued } from "./token-answer.ts";
import type { AskForToken, Grant } from "./token-endpoint.ts";
import { tokenFailure } from "./token-errors.ts";
import { configuredGrant, continued, nextGrant, sameGrant } from "./token-grant.ts";
import { type Failed, nextRenewal, RefusedTokens, renewAt, WARN_AHEAD_MS, whyUnusable } from "./token-life.ts";
import { TokenSaver } from "./token-saver.ts";
import type { TokenOutcome, TokenSource, TokenStatus } from "./token-source.ts";
import type { TokenStore } from "./token-store.ts";

interface Deps {
  readonly access: OAuthAccess;
  readonly ask: AskForToken;
  readonly store: TokenStore;
  readonly clock: Clock;
  /** The connection's key, for the log. */
  readonly connection: string;
  /** There is a token that was not there before, new or of before a restart; the status tells whose it is. */
  readonly onRenewed?: () => void;
  /** From 0 to 1; spreads renewals. */
  readonly random?: () => number;
}

const BACK_OFF = "token";
const MOST_ASKS = 3;

/**
 * RenewingToken gets and renews the access token of an OAuth client, once for everybody who asks.
 *
 * Where RingCentral gives a refresh token it is used, for a jwt too: presenting the JWT again would open one more of the
 * user's five sessions with the app each time, until the oldest is thrown out, and a push session recovers only within
 * the OAuth session it began in. A JWT comes back into play when its refresh token is refused. A refreshed token is
 * saved before it is used: as long as it is not, RingCentral answers the old refresh token with the same new tokens.
 */
export class RenewingToken implements TokenSource {
  readonly #deps: Deps;
  readonly #backOffs = new BackOffs();
  readonly #refused = new RefusedTokens();
  readonly #saver: TokenSaver;
  readonly #release: () => void;
  #issued: Issued | undefined;
  #renewAt = Number.POSITIVE_INFINITY;
  #failed: Failed | undefined;
  #loaded = false;
  /** Somebody had the token since it was issued. */
  #used = false;
  #warned = false;
  #closed = false;
  /** Loading or renewing; everybody waits for the same. */
  #work: Promise<void> | undefined;
  #cancelTimer = () => {};

  constructor(deps: Deps) {
    this.#deps = deps;
    this.#saver = new TokenSaver(deps);
    const endsIn = (at: number | undefined) => at && (at - deps.clock.now()) / 1000;
    this.#release = tokenHeld({
      credential: deps.access.kind,
      accessEndsIn: () => endsIn(this.#issued?.expiresAt),
      refreshEndsIn: () => endsIn(this.#issued?.refreshExpiresAt),
    });
    void this.#start(() => this.#load());
  }

  async get(timeUp: AbortSignal): Promise<TokenOutcome> {
    for (;;) {
      const now = this.#deps.clock.now();
      if (this.#closed) return notNow(tokenFailure("UPSTREAM_UNAVAILABLE", "the service is stopping"), now);
      const token = this.#usable(now);
      if (token) {
        this.#use(now);
        return { ok: true, token };
      }
      const blocked = this.#work ? undefined : this.#backOffs.blocked([BACK_OFF], now);
      if (blocked) return notNow(blocked.failure, blocked.until);
      if (await timeIsUp(this.#work ?? this.#start(() => this.#renew()), timeUp))
        return notNow(tokenFailure("UPSTREAM_TIMEOUT", "none came in time"), this.#deps.clock.now());
    }
  }

  refuse(token: Secret): boolean {
    this.#refused.add(token);
    return !this.#closed;
  }

  get status(): TokenStatus {
    const issued = this.#issued;
    const expiresAt = issued && !this.#refused.has(issued.accessToken) ? issued.expiresAt : undefined;
    const { refreshExpiresAt, scope, ownerId } = issued ?? {};
    return { expiresAt, refreshExpiresAt, scope, ownerId, failure: this.#failed?.failure };
  }

  /** What is being asked for is still saved when it comes, so that nothing that was rotated is lost. */
  close(): void {
    this.#closed = true;
    this.#cancelTimer();
    this.#saver.close();
    this.#release();
  }

  #usable(now: number): Secret | undefined {
    const issued = this.#issued;
    return issued && !whyUnusable(issued, this.#refused, now) ? issued.accessToken : undefined;
  }

  /** Somebody uses the token, so it is worth renewing before it ends. */
  #use(now: number): void {
    if (this.#used && now < this.#renewAt) return;
    this.#used = true;
    this.#schedule();
  }

  /** Runs `work`, and lets everybody who comes meanwhile wait for it. */
  #start(work: () => Promise<void>): Promise<void> {
    this.#cancelTimer();
    this.#work = work().finally(() => {
      this.#work = undefined;
      this.#schedule();
    });
    return this.#work;
  }

  async #load(): Promise<void> {
    const { clock, connection, store } = this.#deps;
    try {
      const issued = await store.load();
      this.#loaded = true;
      if (!issued) return;
      this.#take(issued);
      if (this.#usable(clock.now())) this.#deps.onRenewed?.();
    } catch (error) {
      tokenStoreTrouble({ connection, action: "load", message: (error as Error).message });
      // Without what was saved only the first refresh token is known, which is used up by now.
      if (this.#deps.access.kind === "refresh_token") {
        this.#fail(tokenFailure("UPSTREAM_UNAVAILABLE", "the stored refresh token cannot be read"), clock.now());
      }
    }
  }

  async #renew(): Promise<void> {
    const { access, ask, clock } = this.#deps;
    if (!this.#loaded) {
      await this.#load();
      if (this.#usable(clock.now()) || (!this.#loaded && access.kind === "refresh_token")) return;
    }
    let grant = nextGrant(access, this.#issued, clock.now());
    for (let asked = 1; ; asked++) {
      const result = await ask(grant);
      const now = clock.now();
      if (result.ok) {
        const issued = continued(result.issued, grant, this.#issued);
        const unusable = whyUnusable(issued, this.#refused, now);
        if (!unusable || issued.refreshToken) {
          await this.#saver.save(issued);
          this.#take(issued);
        }
        if (!unusable) return this.#succeed(issued, grant);
        // Asked again after a while, RingCentral gives the same tokens again: the next refresh token leads on.
        const next = nextGrant(access, this.#issued, now);
        if (asked === MOST_ASKS || sameGrant(grant, next)) return this.#fail(unusable, now, grant);
        grant = next;
      } else {
        const falls = result.grantRefused && access.kind === "jwt" && grant.kind === "refresh_token";
        if (asked === MOST_ASKS || !falls) return this.#fail(result.failure, now, grant, result.until);
        this.#tellFailure(result.failure, grant, now);
        grant = configuredGrant(access);
      }
    }
  }

  #succeed(issued: Issued, grant: Grant): void {
    this.#failed = undefined;
    this.#backOffs.succeeded([BACK_OFF]);
    const { access, connection } = this.#deps;
    const { expiresAt, refreshExpiresAt } = issued;
    tokenRenewed({ connection, credential: access.kind, grant: grant.kind, expiresAt, refreshExpiresAt });
    this.#deps.onRenewed?.();
  }

  #take(issued: Issued): void {
    const { random = Math.random } = this.#deps;
    this.#issued = issued;
    this.#renewAt = renewAt(issued, random());
    this.#used = false;
    const { refreshExpiresAt = Number.POSITIVE_INFINITY, issuedAt } = issued;
    if (refreshExpiresAt - issuedAt > WARN_AHEAD_MS) this.#warned = false;
  }

  #fail(failure: UpstreamFailure, now: number, grant?: Grant, until?: number): void {
    // What was not sent failed at nothing: only the wait is remembered, and what made it necessary.
    this.#failed = { failure: until === undefined ? failure : (this.#failed?.failure ?? failure), at: now };
    const waits = until === undefined ? failure : { ...failure, retryAfterMs: Math.max(until - now, 1) };
    const ends = this.#backOffs.open(BACK_OFF, waits, now);
    this.#tellFailure(failure, grant, ends);
  }

  #tellFailure({ reason, message }: UpstreamFailure, grant: Grant | undefined, until: number): void {
    const { access, connection } = this.#deps;
    tokenRenewalFailed({ connection, credential: access.kind, grant: grant?.kind, reason, message, until });
  }

  /** Sets the timer for what comes next: a renewal of what is used or would be lost, or a warning. */
  #schedule(): void {
    this.#cancelTimer();
    const issued = this.#issued;
    if (this.#closed || this.#work || !issued) return;
    const { access, clock } = this.#deps;
    const now = clock.now();
    const renewal = Math.max(
      nextRenewal(issued, {
        inUse: this.#used && this.#usable(now) ? this.#renewAt : undefined,
        irreplaceable: access.kind === "refresh_token",
        failed: this.#failed,
      }),
      this.#backOffs.blocked([BACK_OFF], now)?.until ?? now,
    );
    const ends = access.kind === "refresh_token" && !this.#warned ? issued.refreshExpiresAt : undefined;
    const warning = ends === undefined ? Number.POSITIVE_INFINITY : ends - WARN_AHEAD_MS;
    const next = Math.min(renewal, warning);
    if (next === Number.POSITIVE_INFINITY) return;
    this.#cancelTimer = clock.after(Math.max(0, next - now), () => {
      // A timer may fire early where the wait is longer than timers last.
      const time = clock.now();
      if (ends !== undefined && warning <= time) {
        this.#warned = true;
        refreshTokenEnding({ connection: this.#deps.connection, endsAt: ends });
      }
      if (renewal <= time) void this.#start(() => this.#renew());
      else this.#schedule();
    });
  }
}

function notNow(failure: UpstreamFailure, until: number): TokenOutcome {
  return { ok: false, failure, until };
}
