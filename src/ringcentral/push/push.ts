import type { Clock } from "../../lib/clock.ts";
import { pushBystanderFailed, pushFilterRefused } from "../../telemetry/push-events.ts";
import type { UpstreamFailure } from "../../upstream/failure.ts";
import type { OpenSocket } from "../../upstream/socket.ts";
import type { Coverage } from "./coverage.ts";
import { deal } from "./push-deal.ts";
import { Dialer, type WsToken } from "./push-dialer.ts";
import type { PushEvent, PushFilter } from "./push-event.ts";
import type { SessionEnd } from "./push-failure.ts";
import { filterKey } from "./push-filters.ts";
import { Numbering } from "./push-numbering.ts";
import { type PushRecovery, RecoverySaver, type SavedShard } from "./push-recovery.ts";
import { PushShard } from "./push-shard.ts";
import type { RefusedFilter, Subscription } from "./push-subscription.ts";

// A changed wish is acted on when it has been quiet for a while, or has waited long enough.
const QUIET_MS = 1_000;
const LONGEST_WAIT_MS = 10_000;

interface Deps {
  readonly clock: Clock;
  readonly random: () => number;
  /** Names the connection in logs. */
  readonly connection: string;
  readonly openSocket: OpenSocket;
  readonly wsToken: WsToken;
  /** Filters that one subscription may hold. */
  readonly filtersPerSocket: number;
  /** Time between pings, in milliseconds; asked anew for each. */
  readonly pingIntervalMs: () => number;
  readonly recovery: PushRecovery;
  readonly onEvent: (event: PushEvent) => void;
  /** The coverage of these began, ended, began anew, stands still or was resumed. */
  readonly onCoverage: (filters: readonly PushFilter[]) => void;
  /** RingCentral does not serve this one; told once for as long as that is so. */
  readonly onRefused: (refused: RefusedFilter) => void;
}

/**
 * Push is RingCentral's news for one connection: events of the filters that are wanted, and for each filter how far it is
 * certain that none is missing. Nothing is believed after a gap but what was replayed or is read again.
 */
export class Push {
  readonly #deps: Deps;
  readonly #dialer: Dialer;
  readonly #saver: RecoverySaver;
  readonly #numbering = new Numbering();
  #shards: readonly PushShard[] = [];
  #numbers = 0;
  #wanted: ReadonlyMap<string, PushFilter> = new Map();
  #saved: readonly SavedShard[] = [];
  #loaded = false;
  readonly #refused = new Map<string, string>();
  /** When the wish changed that is still to be acted on. */
  #changedAt: number | undefined;
  /** It is time to act on it. */
  #due = false;
  #cancelChange: () => void = () => {};
  #down = false;
  #lastFailure: { readonly failure: UpstreamFailure; readonly at: number } | undefined;
  #closed = false;

  constructor(deps: Deps) {
    this.#deps = deps;
    const { clock, random, connection, wsToken } = deps;
    this.#saver = new RecoverySaver({
      clock,
      save: (shards) => deps.recovery.save(shards),
      state: () => [...this.#saved, ...this.#shards.flatMap((shard) => shard.save() ?? [])],
      onTrouble: (error) => this.#bystanderFailed("save its state", error),
    });
    this.#dialer = new Dialer({
      clock,
      random,
      connection,
      wsToken,
      shards: () => this.#shards,
      onTokenFailed: (failure) => this.#failed(failure),
      onChange: () => {
        if (this.#allLive) this.#down = false;
      },
    });
    void this.#load();
  }

  /** How push is as a whole: DOWN when a subscription is lost or not to be had, and not back yet. */
  get state(): "NONE" | "CONNECTING" | "LIVE" | "DOWN" {
    if (this.#shards.length === 0) return "NONE";
    if (this.#allLive) return "LIVE";
    return this.#down ? "DOWN" : "CONNECTING";
  }

  /** The newest failure, and when it was, Unix milliseconds; kept when push is well again. */
  get lastFailure(): { readonly failure: UpstreamFailure; readonly at: number } | undefined {
    return this.#lastFailure;
  }

  /** All that is wanted from now on. What stays wanted keeps its coverage. */
  want(filters: readonly PushFilter[]): void {
    const wanted = new Map(filters.map((filter) => [filterKey(filter), filter]));
    const same = wanted.size === this.#wanted.size && [...wanted.keys()].every((key) => this.#wanted.has(key));
    if (this.#closed || same) return;
    this.#wanted = wanted;
    const now = this.#deps.clock.now();
    this.#changedAt ??= now;
    this.#cancelChange();
    const wait = Math.min(QUIET_MS, this.#changedAt + LONGEST_WAIT_MS - now);
    this.#cancelChange = this.#deps.clock.after(wait, () => {
      this.#due = true;
      this.#act();
    });
  }

  /** What is promised of a filter; undefined when nothing is. */
  coverageOf(filter: PushFilter): Coverage | undefined {
    const key = filterKey(filter);
    for (const shard of this.#shards) {
      const coverage = shard.coverageOf(key);
      if (coverage) return coverage;
    }
    return undefined;
  }

  /** Leaves no timer and no socket. Resolves when the state for the next start is saved; it never rejects. */
  close(): Promise<void> {
    if (this.#closed) return Promise.resolve();
    this.#closed = true;
    const saved = this.#saver.close();
    this.#cancelChange();
    this.#dialer.close();
    for (const shard of this.#shards) shard.close();
    return saved;
  }

  get #allLive(): boolean {
    return this.#shards.every((shard) => shard.live);
  }

  async #load(): Promise<void> {
    try {
      this.#saved = await this.#deps.recovery.load();
    } catch (error) {
      this.#bystanderFailed("load its state", error);
    }
    this.#loaded = true;
    this.#act();
  }

  /** Deals what is wanted to shards, once it is known what an earlier life of the process can resume. */
  #act(): void {
    if (this.#closed || !this.#loaded || !this.#due) return;
    this.#due = false;
    this.#changedAt = undefined;
    if (this.#wanted.size > 0) this.#restore();
    const dealt = deal(
      this.#shards.map((shard) => shard.keys),
      new Set(this.#wanted.keys()),
      this.#deps.filtersPerSocket,
    );
    const before = this.#shards;
    const shards = dealt.map((keys, at) => {
      const shard = before[at] ?? this.#newShard();
      shard.want(new Map([...keys].map((key) => [key, this.#wanted.get(key)!])));
      return shard;
    });
    this.#shards = shards.filter((_, at) => dealt[at]!.size > 0);
    for (const shard of shards) if (!this.#shards.includes(shard)) this.#remove(shard);
    for (const key of this.#refused.keys()) if (!this.#wanted.has(key)) this.#refused.delete(key);
    this.#saver.changed();
    this.#dialer.look();
  }

  #restore(): void {
    const now = this.#deps.clock.now();
    const fresh = this.#saved.filter(
      ({ aliveAt, resumableForMs }) => aliveAt <= now && now <= aliveAt + resumableForMs,
    );
    this.#saved = [];
    this.#shards = [...this.#shards, ...fresh.map((saved) => this.#newShard(saved))];
  }

  #newShard(saved?: SavedShard): PushShard {
    const { onCoverage, onEvent } = this.#deps;
    const deps = {
      ...this.#deps,
      numbering: this.#numbering,
      onEvent: (event: PushEvent) => this.#tell("pass on an event", () => onEvent(event)),
      onCoverage: (filters: readonly PushFilter[]) => this.#tell("tell of coverage", () => onCoverage(filters)),
      onSubscribed: (subscription: Subscription) => this.#subscribed(subscription),
      onLost: ({ failure }: SessionEnd) => this.#failed(failure),
      onNeed: () => this.#dialer.look(),
      onSavable: () => {
        if (!this.#closed) this.#saver.changed();
      },
    };
    return new PushShard(deps, ++this.#numbers, saved);
  }

  #remove(shard: PushShard): void {
    shard.close();
    this.#dialer.forget(shard);
  }

  #failed(failure: UpstreamFailure): void {
    this.#down = true;
    this.#lastFailure = { failure, at: this.#deps.clock.now() };
  }

  #subscribed({ served, refused }: Subscription): void {
    for (const key of served) this.#refused.delete(key);
    for (const refusal of refused) {
      const filter = filterKey(refusal.filter);
      const { reason, message } = refusal;
      if (this.#refused.get(filter) === reason) continue;
      this.#refused.set(filter, reason);
      pushFilterRefused({ connection: this.#deps.connection, filter, reason, message });
      this.#tell("tell of a refused filter", () => this.#deps.onRefused(refusal));
    }
  }

  /** Whoever is told must not stop the push of others. */
  #tell(action: string, tell: () => void): void {
    if (this.#closed) return;
    try {
      tell();
    } catch (error) {
      this.#bystanderFailed(action, error);
    }
  }

  #bystanderFailed(action: string, error: unknown): void {
    pushBystanderFailed({ connection: this.#deps.connection, action, message: messageOf(error) });
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
