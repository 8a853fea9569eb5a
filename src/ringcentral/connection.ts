import type { Clock } from "../lib/clock.ts";
import type { Secret } from "../lib/secret.ts";
import type { Budget } from "./calls/budget.ts";
import type { Budgets } from "./calls/budgets.ts";
import type { CallApi } from "./calls/call.ts";
import { type CallsDeps, createCallApi } from "./calls/calls.ts";
import type { UsageGroup } from "./calls/usage-group.ts";
import { ConnectionPush, type PushSettings } from "./connection-push.ts";
import type { KeptPresence } from "./kept/presence-store.ts";
import { type AccountPresence, createPresenceReader, type PresenceReader } from "./presence-reader.ts";
import { AgentLists } from "./tables/agent-lists.ts";
import { BulkCost } from "./tables/bulk-cost.ts";
import { ExtensionRefresh, type RefreshDeps } from "./tables/extension-refresh.ts";
import { Tables } from "./tables/tables.ts";
import type { TokenSource } from "./tokens/token-source.ts";

/** Told of what concerns everything that is asked over a connection. */
export interface ConnectionListener {
  /** What is known of these queues is different, or newer, or no longer kept current. */
  onNews(queueIds: readonly string[]): void;
  /** There is a new token: what failed may be cured. */
  onToken(): void;
}

/** What push has to carry for one queue. */
export interface QueueNeed {
  readonly accountId: string;
  readonly queueId: string;
  /** Also the presence and Do Not Disturb of its members. */
  readonly extensions: boolean;
  /** How old an answer about it may be, in milliseconds. */
  readonly maxAgeMs: number;
}

export interface ConnectionDeps extends CallsDeps {
  readonly clock: Clock;
  readonly budgets: Budgets;
  /** Undefined: there is no push. */
  readonly push?: PushSettings | undefined;
  /** Undefined: nothing is kept over a restart. */
  readonly kept?: Pick<KeptPresence, "of"> | undefined;
}

/** The credential of a connection as it is used. */
export interface LiveCredential {
  readonly tokens: TokenSource;
  /** Of the app; undefined for a pasted token, which names none. */
  readonly clientId: string | undefined;
}

/**
 * Connection is one RingCentral credential at one server while the service runs: its token, its share of the rate limits,
 * and what is known of the presence that it may see.
 */
export class Connection {
  readonly key: string;
  readonly origin: string;
  readonly call: CallApi;
  /** Reads presence into the tables and out of them. */
  readonly presence: PresenceReader;
  /** Reads it without a trace. */
  readonly aside: PresenceReader;

  readonly #deps: ConnectionDeps;
  readonly #accounts = new Map<string, AccountPresence & { readonly tables: Tables }>();
  readonly #listeners = new Set<ConnectionListener>();
  readonly #bulkCost = new BulkCost();
  #credential: LiveCredential;
  #budgetKey: string;
  #push: ConnectionPush | undefined;
  #needs: readonly QueueNeed[] = [];
  /** What an earlier life of the process kept of push is this credential's. */
  #resumes = true;
  #closing: Promise<void> = Promise.resolve();

  constructor(
    source: { readonly key: string; readonly origin: string },
    credential: LiveCredential,
    deps: ConnectionDeps,
  ) {
    this.key = source.key;
    this.origin = source.origin;
    this.#deps = deps;
    this.#credential = credential;
    this.#budgetKey = this.key;
    this.#learnOwner();
    const membersRead = () => this.#push?.membersRead();
    const caller = {
      origin: source.origin,
      tokens: {
        get: (timeUp: AbortSignal) => this.tokens.get(timeUp),
        refuse: (token: Secret) => this.tokens.refuse(token),
      },
      budget: (group: UsageGroup) => this.budget(group),
      backOffKeys: (group: UsageGroup) => this.backOffKeys(group),
    };
    this.call = createCallApi(caller, deps);
    const reader = createPresenceReader({ call: this.call, account: (id) => this.account(id) });
    this.presence = {
      async read(question, options) {
        const result = await reader.read(question, options);
        if (result.ok) membersRead();
        return result;
      },
      current: (question) => reader.current(question),
      outdated: (question) => reader.outdated(question),
    };
    // Each time in tables of its own, of which nobody is told.
    this.aside = createPresenceReader({
      call: this.call,
      account: (accountId) => this.#newAccount(accountId, { coverageOf: () => undefined, onNews() {} }),
    });
  }

  get tokens(): TokenSource {
    return this.#credential.tokens;
  }

  /** What shares rate limits has this in common: origin, app and user where they are known, else the connection alone. */
  get budgetKey(): string {
    return this.#budgetKey;
  }

  budget(group: UsageGroup): Budget {
    return this.#deps.budgets.get(this.#budgetKey, group);
  }

  /** What trouble is remembered under: it stops everything that has the key in common. */
  backOffKeys(group: UsageGroup): { readonly connection: string; readonly budget: string } {
    return { connection: `connection ${this.key}`, budget: `budget ${this.#budgetKey}/${group}` };
  }

  /** Another credential takes the place of this one's: everything asked over it moves at once. */
  replaceCredential(credential: LiveCredential): void {
    this.tokens.close();
    this.#credential = credential;
    this.#budgetKey = this.key;
    this.#endPush();
    this.renewed();
  }

  /** There is a new token. */
  renewed(): void {
    this.#learnOwner();
    this.#push?.forgive();
    for (const listener of this.#listeners) listener.onToken();
  }

  listen(listener: ConnectionListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  account(accountId: string): AccountPresence & { readonly tables: Tables } {
    let account = this.#accounts.get(accountId);
    if (!account) {
      account = this.#newAccount(accountId, {
        coverageOf: (filter) => this.#push?.coverageOf(filter),
        onNews: (queueIds) => this.#tell(queueIds),
      });
      this.#accounts.set(accountId, account);
      this.#deps.kept?.of(this.key).keep(accountId, account.tables);
    }
    return account;
  }

  /** Nobody asks about a queue any more. */
  forget(queueId: string): void {
    for (const { tables } of this.#accounts.values()) tables.forget(queueId);
  }

  /** What push has to carry from now on; a pasted token ends too soon to be worth it. */
  want(needs: readonly QueueNeed[]): void {
    const { push } = this.#deps;
    this.#needs = needs;
    if (!push || this.#credential.clientId === undefined) return;
    if (!this.#push && needs.length === 0) return;
    const recovery = push.recovery(this.key);
    this.#push ??= new ConnectionPush({
      ...push,
      recovery: this.#resumes ? recovery : { ...recovery, load: async () => [] },
      clock: this.#deps.clock,
      key: this.key,
      call: this.call,
      token: (timeUp) => this.tokens.get(timeUp),
      scope: () => this.tokens.status.scope,
      tables: () => this.#accounts.values().map(({ tables }) => tables),
      tablesOf: (accountId) => this.account(accountId).tables,
      onNews: (queueIds) => this.#tell([...queueIds]),
    });
    this.#push.want(needs);
  }

  /** The push session and its newest failure; undefined when none is wanted. */
  get push(): Pick<ConnectionPush, "state" | "lastFailure"> | undefined {
    return this.#push;
  }

  /** Resolves when all is saved that is kept over a restart; it never rejects. */
  async close(): Promise<void> {
    this.tokens.close();
    this.#listeners.clear();
    const kept = this.#accounts.size > 0 ? this.#deps.kept?.of(this.key) : undefined;
    await Promise.all([this.#closing, this.#push?.close(), kept?.close()]);
  }

  #newAccount(
    accountId: string,
    { coverageOf, onNews }: Pick<ConstructorParameters<typeof Tables>[0], "coverageOf"> & Pick<RefreshDeps, "onNews">,
  ): AccountPresence & { readonly tables: Tables } {
    const { clock } = this.#deps;
    const tables = new Tables({ clock, accountId, coverageOf });
    const budget = (group: UsageGroup) => this.budget(group).state;
    const bulkCost = this.#bulkCost;
    return {
      tables,
      extensions: new ExtensionRefresh({ call: this.call, tables, accountId, clock, budget, bulkCost, onNews }),
      lists: new AgentLists({ call: this.call, tables, accountId, clock, onNews }),
    };
  }

  /** A session that was another credential's is neither believed nor resumed. */
  #endPush(): void {
    const before = this.#push;
    if (!before) return;
    this.#push = undefined;
    this.#resumes = false;
    this.#closing = Promise.all([this.#closing, before.close()]).then(() => {});
    this.#tell(this.#needs.map(({ queueId }) => queueId));
  }

  #tell(queueIds: readonly string[]): void {
    if (queueIds.length > 0) for (const listener of this.#listeners) listener.onNews(queueIds);
  }

  /** The first token says whose it is: from then on its calls count together with those of the same user and app. */
  #learnOwner(): void {
    const { ownerId } = this.tokens.status;
    const { clientId } = this.#credential;
    if (ownerId === undefined || clientId === undefined) return;
    const key = `${this.origin} ${clientId} ${ownerId}`;
    if (key === this.#budgetKey) return;
    this.#deps.budgets.move(this.#budgetKey, key);
    this.#budgetKey = key;
  }
}
