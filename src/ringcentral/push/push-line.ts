import type { PushEvent, PushFilter } from "./push-event.ts";
import type { SessionEnd } from "./push-failure.ts";
import type { ConnectionDetails, SessionToken } from "./push-frames.ts";
import { PushSession, type SessionDeps } from "./push-session.ts";
import type { Subscription } from "./push-subscription.ts";
import type { SessionTarget } from "./push-url.ts";

// How long after the first frame a replay may still begin; a pong of a later ping proves that it is through.
const REPLAY_MS = 1_000;

/** What the owner of a line is told; after `ended` nothing more. */
export interface LineOwner {
  /** What is to be subscribed to now. */
  wanted(): ReadonlyMap<string, PushFilter>;
  /** The session before could not be resumed; the line subscribes anew. */
  notRecovered(): void;
  /** It is subscribed. */
  confirmed(line: Line, subscription: Subscription): void;
  /** All from before `at` has come, what is held included. */
  caughtUp(line: Line, at: number): void;
  /** The same of a line that is live. */
  proved(line: Line, at: number): void;
  heard(line: Line, event: PushEvent): void;
  /** News could not be read, about the filter with this key, or about it is not known what. */
  misheard(line: Line, about: string | undefined): void;
  ended(line: Line, end: SessionEnd): void;
}

/** The subscription that a line is to resume. */
interface Resumes {
  readonly wsc: SessionToken;
  readonly asked: ReadonlyMap<string, PushFilter>;
  readonly expiresAt: number | undefined;
}

/** Line is one session on its way to a live subscription: by resuming the one before it, or by subscribing. */
export class Line {
  readonly #deps: SessionDeps;
  readonly #owner: LineOwner;
  readonly #resumes: Resumes | undefined;
  /** The part of its time, 0.8 to 0.9, after which it is renewed: shards do not renew together. */
  readonly #share: number;
  readonly #session: PushSession;
  #proofFrom = Number.POSITIVE_INFINITY;
  /**
   * `opening` until it is subscribed; `overlapping` while the line before it still tells; `catching_up` while what it
   * told is held, because more of the past may come; `live` when it tells.
   */
  phase: "opening" | "overlapping" | "catching_up" | "live" = "opening";
  asked: ReadonlyMap<string, PushFilter> = new Map();
  served: ReadonlyMap<string, PushFilter> = new Map();
  /** When the subscription was confirmed; of one that is resumed, when the socket was opened. */
  confirmedAt = 0;
  /** When it ends unless it is renewed; undefined when that is not known. */
  expiresAt: number | undefined;

  constructor(
    deps: SessionDeps & { readonly random: () => number },
    target: Omit<SessionTarget, "wsc">,
    resumes: Resumes | undefined,
    owner: LineOwner,
  ) {
    this.#deps = deps;
    this.#owner = owner;
    this.#resumes = resumes;
    this.#share = 0.8 + 0.1 * deps.random();
    const session = { ...target, wsc: resumes?.wsc };
    this.#session = new PushSession(deps, session, {
      onDetails: (details) => this.#ready(details),
      onSubscribed: (subscription) => this.#confirmed(subscription),
      onEvent: (event) => owner.heard(this, event),
      onUnreadable: (about) => owner.misheard(this, about),
      onProof: (at) => this.#proved(at),
      onEnd: (end) => owner.ended(this, end),
    });
  }

  get resumes(): boolean {
    return this.#resumes !== undefined;
  }

  /** The newest token to resume it by. */
  get wsc(): SessionToken | undefined {
    return this.#session.wsc;
  }

  get details(): ConnectionDetails | undefined {
    return this.#session.details;
  }

  /** When the subscription was asked for. */
  get askedAt(): number {
    return this.#session.askedAt;
  }

  /** When it has to be replaced by a new one, so that no limit of RingCentral's cuts it; undefined for never. */
  get renewalAt(): number | undefined {
    const { idleTimeoutMs, absoluteTimeoutMs } = this.details ?? {};
    const limits: number[] = [];
    // Whether pings count is not documented, so only frames do.
    if (idleTimeoutMs !== undefined) limits.push(this.#session.frameAt + this.#share * idleTimeoutMs);
    if (absoluteTimeoutMs !== undefined) limits.push(this.#session.openedAt + this.#share * absoluteTimeoutMs);
    if (this.expiresAt !== undefined) {
      limits.push(this.confirmedAt + this.#share * (this.expiresAt - this.confirmedAt));
    }
    return limits.length === 0 ? undefined : Math.min(...limits);
  }

  /** `caughtUp` follows when a proof of `at` or later came. */
  catchUp(at: number): void {
    this.phase = "catching_up";
    this.#proofFrom = at;
    this.probeFrom(at);
  }

  /** Asks for a proof of `at`, rather than with the next ping. */
  probeFrom(at: number): void {
    this.#session.probeFrom(at);
  }

  /** Ends it without a word to the owner. */
  close(): void {
    this.#session.close();
  }

  #ready(details: ConnectionDetails): void {
    if (!this.#resumes) {
      this.#subscribe();
      return;
    }
    if (details.recovery !== "Successful") {
      this.#subscribeAnew();
      return;
    }
    this.asked = this.#resumes.asked;
    this.expiresAt = this.#resumes.expiresAt;
    this.confirmedAt = this.#session.openedAt;
    this.catchUp(this.#deps.clock.now() + REPLAY_MS);
  }

  #subscribeAnew(): void {
    this.#owner.notRecovered();
    this.#subscribe();
  }

  #subscribe(): void {
    this.phase = "opening";
    this.asked = this.#owner.wanted();
    this.#session.subscribe([...this.asked.values()]);
  }

  #confirmed(subscription: Subscription): void {
    const { served, expiresInMs } = subscription;
    this.served = new Map([...this.asked].filter(([key]) => served.has(key)));
    this.confirmedAt = this.#deps.clock.now();
    this.expiresAt = expiresInMs === undefined ? undefined : this.#session.askedAt + expiresInMs;
    this.#owner.confirmed(this, subscription);
  }

  #proved(at: number): void {
    if (this.phase === "live") this.#owner.proved(this, at);
    if (this.phase !== "catching_up" || at < this.#proofFrom) return;
    const most = this.details?.recoveryBufferSize ?? Number.POSITIVE_INFINITY;
    // A replay as long as the buffer may have lost its beginning.
    // Whether a resumed session goes on counting is not documented; what was replayed must not hide what follows.
    this.#session.forgetOrder();
    if (this.#resumes && this.#session.notifications >= most) this.#subscribeAnew();
    else this.#owner.caughtUp(this, at);
  }
}
