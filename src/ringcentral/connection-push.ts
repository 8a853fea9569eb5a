import type { Clock } from "../lib/clock.ts";
import type { UpstreamFailure } from "../upstream/failure.ts";
import type { OpenSocket } from "../upstream/socket.ts";
import type { CallApi } from "./calls/call.ts";
import type { QueueNeed } from "./connection.ts";
import type { Coverage } from "./push/coverage.ts";
import { Push } from "./push/push.ts";
import type { WsTokenOutcome } from "./push/push-dialer.ts";
import type { PushEvent, PushFilter } from "./push/push-event.ts";
import { filterKey } from "./push/push-filters.ts";
import { allowsPush, filtersFor } from "./push/push-plan.ts";
import type { PushRecovery } from "./push/push-recovery.ts";
import { askWsToken } from "./push/ws-token.ts";
import type { Tables } from "./tables/tables.ts";
import type { TokenOutcome } from "./tokens/token-source.ts";

/** What every connection's push shares. */
export interface PushSettings {
  readonly openSocket: OpenSocket;
  /** Filters that one subscription may hold. */
  readonly filtersPerSocket: number;
  readonly random: () => number;
  /** What is kept of a connection's push over a restart. */
  readonly recovery: (connectionKey: string) => PushRecovery;
}

interface Deps extends Omit<PushSettings, "recovery"> {
  readonly recovery: PushRecovery;
  readonly clock: Clock;
  readonly key: string;
  readonly call: CallApi;
  /** Resolves when there is an access token, or is none to be had. */
  readonly token: (timeUp: AbortSignal) => Promise<TokenOutcome> | TokenOutcome;
  readonly scope: () => readonly string[] | undefined;
  /** The tables of every account that is asked about. */
  readonly tables: () => Iterable<Tables>;
  readonly tablesOf: (accountId: string) => Tables;
  /** These queues are different, or newer, or no longer kept current. */
  readonly onNews: (queueIds: Iterable<string>) => void;
}

// Life is proved often enough that an answer from push is half as old as it may be.
const PING_SHARE = 0.5;
const PING_MS = { least: 500, most: 10_000 };

const NOT_ALLOWED: UpstreamFailure = {
  reason: "UPSTREAM_PERMISSION_DENIED",
  scope: "question",
  message: 'Cannot get a token for push: the RingCentral app lacks the permission "WebSocketsSubscription"',
};

/** ConnectionPush keeps the tables of one connection current by push, as far as its destinations need and RingCentral allows. */
export class ConnectionPush {
  readonly #deps: Deps;
  readonly #push: Push;
  /** Keys of filters that RingCentral refused, until there is another token. */
  readonly #refused = new Set<string>();
  #needs: readonly QueueNeed[] = [];
  #planned: readonly PushFilter[] = [];

  constructor(deps: Deps) {
    this.#deps = deps;
    const { clock, random, openSocket, filtersPerSocket, key } = deps;
    this.#push = new Push({
      clock,
      random,
      openSocket,
      filtersPerSocket,
      connection: key,
      recovery: deps.recovery,
      wsToken: (timeUp) => this.#wsToken(timeUp),
      pingIntervalMs: () => this.#pingIntervalMs(),
      onEvent: (event) => deps.onNews(this.#apply(event)),
      onCoverage: (filters) => deps.onNews(new Set(filters.flatMap((filter) => this.#queuesOf(filter)))),
      onRefused: ({ filter }) => {
        this.#refused.add(filterKey(filter));
        this.plan();
      },
    });
  }

  get state(): Push["state"] {
    return this.#push.state;
  }

  get lastFailure(): Push["lastFailure"] {
    return this.#push.lastFailure;
  }

  coverageOf(filter: PushFilter): Coverage | undefined {
    return this.#push.coverageOf(filter);
  }

  want(needs: readonly QueueNeed[]): void {
    this.#needs = needs;
    this.plan();
  }

  /** Wants what is needed as things stand: the members of a queue are learned, filters are refused. */
  plan(): void {
    const membersOf = ({ accountId, queueId }: QueueNeed) => this.#deps.tablesOf(accountId).membersOf(queueId);
    this.#planned = filtersFor(this.#needs, { scope: this.#deps.scope(), refused: this.#refused, membersOf });
    this.#push.want(this.#planned);
  }

  /** A queue was read: where the account's events are not to be had, its members may be others now. */
  membersRead(): void {
    if (this.#needs.some(({ extensions }) => extensions) && !this.#covers("account")) this.plan();
  }

  /** Another token may be allowed more. */
  forgive(): void {
    this.#refused.clear();
    this.plan();
  }

  /** Resolves when what resumes it is saved; it never rejects. */
  close(): Promise<void> {
    return this.#push.close();
  }

  /** With the access token comes what it is allowed: what is not is not asked for. */
  async #wsToken(timeUp: AbortSignal): Promise<WsTokenOutcome> {
    const { call, clock, scope, token } = this.#deps;
    const access = await token(timeUp);
    if (!access.ok) return access;
    if (!allowsPush(scope())) return { ok: false, failure: NOT_ALLOWED, until: clock.now() };
    return await askWsToken(call, timeUp, () => clock.now());
  }

  #apply(event: PushEvent): Set<string> {
    const changed = new Set<string>();
    for (const tables of this.#deps.tables()) {
      const queueIds =
        event.kind === "queue"
          ? tables.optIn(event.queueId, event.members)
          : tables.extensionChanged(event.extensionId, event.presence);
      for (const queueId of queueIds) changed.add(queueId);
    }
    return changed;
  }

  #queuesOf(filter: PushFilter): readonly string[] {
    switch (filter.kind) {
      case "queue":
        return [filter.queueId];
      case "extension":
        return [...this.#deps.tables()].flatMap((tables) => tables.queuesOf(filter.extensionId));
      case "account":
        return this.#needs.filter(({ extensions }) => extensions).map(({ queueId }) => queueId);
    }
  }

  #covers(key: string): boolean {
    return this.#planned.some((filter) => filterKey(filter) === key);
  }

  #pingIntervalMs(): number {
    const wanted = Math.min(...this.#needs.map(({ maxAgeMs }) => maxAgeMs));
    return Math.min(Math.max(PING_SHARE * wanted, PING_MS.least), PING_MS.most);
  }
}
