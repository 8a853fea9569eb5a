import * as telemetry from "../../telemetry/push-events.ts";
import type { Coverage } from "./coverage.ts";
import type { CoverageBook } from "./push-coverage.ts";
import type { PushFilter } from "./push-event.ts";
import { type SessionEnd, unavailable } from "./push-failure.ts";
import type { SessionToken } from "./push-frames.ts";
import { Line, type LineOwner } from "./push-line.ts";
import { type NewsDeps, ShardNews } from "./push-news.ts";
import type { SavedShard } from "./push-recovery.ts";
import { Resumption } from "./push-resumption.ts";
import type { SessionDeps } from "./push-session.ts";
import type { Subscription } from "./push-subscription.ts";
import type { SessionTarget } from "./push-url.ts";

export interface ShardDeps extends SessionDeps, NewsDeps {
  readonly random: () => number;
  readonly onSubscribed: (subscription: Subscription) => void;
  readonly onLost: (end: SessionEnd) => void;
  /** What the shard needs may be another. */
  readonly onNeed: () => void;
}

/** What a shard needs a token for, and from when on, Unix milliseconds. */
export interface Need {
  readonly purpose: telemetry.PushPurpose;
  readonly at: number;
}

/** What the opening of a socket came to; undefined when it is live. */
export type DialEnd = SessionEnd | undefined;

/**
 * PushShard keeps one subscription alive over any number of sockets. Where it can, the next socket takes over from the
 * one before without a gap; where it cannot, coverage begins anew.
 */
export class PushShard {
  readonly number: number;
  readonly #deps: ShardDeps;
  readonly #news: ShardNews;
  readonly #resumption: Resumption;
  #wanted: ReadonlyMap<string, PushFilter> = new Map();
  /** The line that tells, or is to. */
  #line: Line | undefined;
  /** The line that is to take over from it. */
  #next: Line | undefined;
  /** The line whose subscription takes over once what is held was told; undefined when none is about to. */
  #successor: Line | undefined;
  #dialled: ((end: DialEnd) => void) | undefined;

  constructor(deps: ShardDeps, number: number, saved?: SavedShard) {
    this.#deps = deps;
    this.number = number;
    this.#news = new ShardNews(deps, number);
    this.#resumption = new Resumption(deps.clock);
    if (saved) this.#resumption.restore(saved, this.#coverage);
  }

  /** Keys of what it serves or is to serve. */
  get keys(): ReadonlySet<string> {
    return new Set((this.#wanted.size > 0 ? this.#wanted : this.#resumption.asked).keys());
  }

  get live(): boolean {
    return this.#coverage.live;
  }

  coverageOf(key: string): Coverage | undefined {
    return this.#coverage.of(key);
  }

  want(wanted: ReadonlyMap<string, PushFilter>): void {
    this.#wanted = wanted;
  }

  need(): Need | undefined {
    if (this.#wanted.size === 0 || this.#dialled) return undefined;
    const line = this.#line;
    if (!line) return { purpose: "connect", at: 0 };
    if (line.phase !== "live") return undefined;
    if (!this.#resumption.asks(this.#wanted)) return { purpose: "change", at: 0 };
    const at = line.renewalAt;
    return at === undefined ? undefined : { purpose: "renew", at };
  }

  /** Opens the socket that is needed; `dialled` is called once, unless the shard is closed. */
  dial(target: Omit<SessionTarget, "wsc">, purpose: Need["purpose"], dialled: (end: DialEnd) => void): void {
    const { asked, expiresAt } = this.#resumption;
    const wsc = this.#line ? undefined : this.#resumption.tokenSince(this.#coverage.aliveAt);
    if (!this.#line && !wsc) this.#forget();
    telemetry.pushConnecting({ ...this.#name, purpose, resumes: wsc !== undefined });
    const line = new Line(this.#deps, target, wsc && { wsc, asked, expiresAt }, this.#owner());
    if (this.#line) this.#next = line;
    else this.#line = line;
    this.#dialled = dialled;
  }

  /** What resumes it in another life of the process; undefined when nothing does. */
  save(): SavedShard | undefined {
    const wsc = this.#told;
    // What is held has not been told, so a session resumed after it would lose it.
    return wsc && !this.#successor ? this.#resumption.save(wsc, this.#coverage) : undefined;
  }

  close(): void {
    this.#dialled = undefined;
    this.#resumption.stop();
    this.#line?.close();
    this.#next?.close();
    this.#coverage.stop();
  }

  get #coverage(): CoverageBook {
    return this.#news.coverage;
  }

  get #name() {
    return { connection: this.#deps.connection, shard: this.number };
  }

  /** The token of all that was told. */
  get #told(): SessionToken | undefined {
    return (this.#line?.phase === "live" ? this.#line.wsc : undefined) ?? this.#resumption.wsc;
  }

  /** What was missed will not come any more. */
  #forget(): void {
    this.#resumption.wsc = undefined;
    this.#successor = undefined;
    this.#news.drop();
  }

  #owner(): LineOwner {
    return {
      wanted: () => this.#wanted,
      notRecovered: () => this.#notRecovered(),
      confirmed: (line, subscription) => this.#confirmed(line, subscription),
      caughtUp: (line, at) => this.#caughtUp(line, at),
      proved: (line, at) => this.#proved(line, at),
      heard: (line, event) => this.#news.heard(event, line.phase === "live"),
      misheard: (line, about) => this.#news.misheard(about, line.phase === "live"),
      ended: (line, end) => this.#ended(line, end),
    };
  }

  #notRecovered(): void {
    const gapMs = this.#deps.clock.now() - this.#coverage.aliveAt;
    telemetry.pushNotRecovered({ ...this.#name, gapMs });
    this.#forget();
  }

  #confirmed(line: Line, subscription: Subscription): void {
    const { served, refused } = subscription;
    telemetry.pushSubscribed({ ...this.#name, filters: served.size, refused: refused.length });
    this.#deps.onSubscribed(subscription);
    if (line === this.#line) {
      this.#begin(line);
      return;
    }
    line.phase = "overlapping";
    this.#line?.probeFrom(line.confirmedAt);
  }

  #proved(line: Line, at: number): void {
    this.#news.proved(at);
    if (this.#next?.phase === "overlapping" && at >= this.#next.confirmedAt) this.#handOver(line, this.#next);
  }

  /**
   * All that the old line had to tell from before the new one was confirmed has come, so the old one may go. What it
   * told since, the new one tells again: that is held until nothing of it can be under way.
   */
  #handOver(old: Line, line: Line): void {
    old.close();
    this.#line = line;
    this.#next = undefined;
    this.#successor = line;
    this.#resumption.wsc = line.wsc;
    this.#adopt(line);
    line.catchUp(this.#deps.clock.now());
  }

  #caughtUp(line: Line, at: number): void {
    if (line.resumes) telemetry.pushRecovered({ ...this.#name, gapMs: at - this.#coverage.aliveAt });
    const successor = this.#successor;
    this.#successor = undefined;
    this.#goLive(line, () => {
      if (successor) this.#coverage.takeOver(successor.served, successor.confirmedAt, at);
      else this.#coverage.resume(at);
    });
  }

  /**
   * Coverage begins anew, with the confirmation: RingCentral may have begun to tell only then. What is held was told
   * since.
   */
  #begin(line: Line): void {
    this.#resumption.wsc = undefined;
    this.#successor = undefined;
    this.#goLive(line, () => this.#coverage.begin(line.served, line.askedAt, line.confirmedAt));
  }

  #goLive(line: Line, cover: () => void): void {
    line.phase = "live";
    this.#adopt(line);
    this.#news.release(cover);
    this.#settle(undefined);
  }

  #adopt(line: Line): void {
    this.#resumption.adopt(line, () => {
      line.close();
      this.#ended(line, { reason: "expired", failure: unavailable("listen to push", "the subscription has expired") });
    });
  }

  #ended(line: Line, end: SessionEnd): void {
    const { reason, failure } = end;
    telemetry.pushLost({ ...this.#name, reason, outcome: failure.reason, message: failure.message });
    this.#deps.onLost(end);
    const next = this.#next;
    this.#next = undefined;
    if (line === next) {
      this.#news.drop();
      this.#settle(end);
      return;
    }
    this.#resumption.stop();
    this.#resumption.wsc = this.#told;
    this.#line = undefined;
    if (next?.phase === "overlapping") {
      this.#line = next;
      this.#begin(next);
      return;
    }
    // The session can be resumed without a gap, which the one that was being opened could not.
    next?.close();
    if (reason === "expired" || reason === "not_subscribed" || reason === "refused") this.#forget();
    this.#coverage.stop();
    this.#settle(next ? undefined : end);
  }

  #settle(end: DialEnd): void {
    const dialled = this.#dialled;
    this.#dialled = undefined;
    if (dialled) dialled(end);
    else this.#deps.onNeed();
  }
}
