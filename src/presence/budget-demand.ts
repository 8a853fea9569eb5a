import type { Clock } from "../lib/clock.ts";
import { RECONCILE_SHARE, SCHEDULED_SHARE } from "../ringcentral/calls/budget.ts";
import type { Connection } from "../ringcentral/connection.ts";
import type { ByAgents } from "../ringcentral/presence-reader.ts";
import { achievableAgeWatched } from "../telemetry/events.ts";
import { type AgentsPlan, type Polled, partsByLists, planAgents } from "./agents-plan.ts";
import { achievableAgeMs, RECONCILE_MS, readIntervalMs } from "./cadence.ts";
import type { ConnectionQuestions } from "./connection-questions.ts";
import type { ConfiguredDemand } from "./demand-warning.ts";
import type { QuestionReads } from "./question-reads.ts";

/** How many questions share a budget, and how they are kept current. */
interface Counts {
  readonly countedAt: number;
  /** The limit that was reckoned with. */
  readonly perMinute: number;
  /** In demand and read on their own time: how. */
  readonly plan: AgentsPlan;
  /** In demand and kept current by push. */
  readonly pushed: number;
}

/** What is asked over a connection. */
export interface ConnectionDemand extends ConfiguredDemand {
  readonly destinations: number;
  readonly inDemand: number;
  /** How often every queue in demand of its budget can be read, push left aside, in milliseconds. */
  readonly achievableAgeMs: number;
}

// Demand ends by the clock alone, a minute after a Check: what was counted is believed for a second.
const BELIEVED_MS = 1_000;
const FORGOTTEN_MS = 120_000;

/** BudgetDemand counts what is in demand over each budget: everything that shares a limit has to come to terms with it. */
export class BudgetDemand {
  readonly #clock: Pick<Clock, "now">;
  readonly #connections: () => Iterable<ConnectionQuestions>;
  readonly #counts = new Map<string, Counts>();
  readonly #ages = new Map<string, { readonly countedAt: number; readonly ms: number }>();
  /** Which connections share a budget, by its key; undefined when that has to be looked at anew. */
  #sharing: ReadonlyMap<string, readonly ConnectionQuestions[]> | undefined;
  /** Measures no more. */
  readonly close: () => void;

  constructor(clock: Pick<Clock, "now">, connections: () => Iterable<ConnectionQuestions>) {
    this.#clock = clock;
    this.#connections = connections;
    this.close = achievableAgeWatched(() => this.#longestMs());
  }

  /** Something is in demand over this connection now that was not, or the other way round. */
  changed({ budgetKey }: Pick<Connection, "budgetKey">): void {
    this.#counts.delete(budgetKey);
  }

  /** A connection came or went, or its calls count together with those of others now. */
  regroup(): void {
    this.#sharing = undefined;
    this.#counts.clear();
  }

  /** Time between scheduled reads of a question, in milliseconds. */
  intervalMs(reads: QuestionReads, connection: Connection): number {
    const { perMinute } = connection.budget("light");
    const { plan, pushed } = this.#of(connection);
    if (reads.pushed) return Math.max(RECONCILE_MS, achievableAgeMs(pushed, RECONCILE_SHARE * perMinute));
    return readIntervalMs(reads.demand.maxAgeMs, plan.achievableMs);
  }

  /** How to read a question by its agents' own lists; undefined where its own answer is to be had for less. */
  byAgents(reads: QuestionReads, connection: Connection): ByAgents | undefined {
    const itselfMs = this.#of(connection).plan.byLists.get(reads);
    const parts = itselfMs === undefined ? undefined : partsByLists(reads);
    return parts && itselfMs !== undefined ? { parts, membersSince: this.#clock.now() - itselfMs } : undefined;
  }

  /** Who is in its queue has to be read again, since agents' lists do not tell. */
  membersDue(reads: QuestionReads, connection: Connection): boolean {
    const { newest } = reads;
    const wanted = newest && this.byAgents(reads, connection);
    return wanted !== undefined && newest !== undefined && newest.observed.answer.at < wanted.membersSince;
  }

  /** What is asked over a connection. */
  on(asked: ConnectionQuestions): ConnectionDemand {
    const { connection } = asked;
    const limitPerMinute = connection.budget("light").perMinute;
    const perMinute = SCHEDULED_SHARE * limitPerMinute;
    const { plan, pushed } = this.#of(connection);
    const questions = [...asked].filter(({ demand }) => demand.asking);
    const ages = questions.map(({ demand }) => demand.maxAgeMs);
    return {
      destinations: [...asked].reduce((sum, { demand }) => sum + demand.members.size, 0),
      inDemand: questions.filter(({ demand }) => demand.present).length,
      achievableAgeMs: plan.achievableMs + achievableAgeMs(pushed, perMinute),
      worstAgeMs: achievableAgeMs(questions.length, perMinute),
      queues: questions.length,
      limitPerMinute,
      maxAgeMs: Math.min(...ages),
      readsPerMinute: ages.reduce((sum, age) => sum + 60_000 / Math.max(age, 1), 0),
    };
  }

  #of(connection: Connection): Counts {
    const { budgetKey } = connection;
    const now = this.#clock.now();
    const known = this.#counts.get(budgetKey);
    const { perMinute } = connection.budget("light");
    if (known?.perMinute === perMinute && now - known.countedAt < BELIEVED_MS) return known;
    const polled: Polled[] = [];
    let pushed = 0;
    this.#sharing ??= Map.groupBy(this.#connections(), (asked) => asked.connection.budgetKey);
    for (const asked of this.#sharing.get(budgetKey) ?? []) {
      for (const reads of asked) {
        if (!reads.demand.present) continue;
        if (reads.pushed) pushed++;
        else polled.push({ reads, connection: asked.connection });
      }
    }
    const counts = { countedAt: now, perMinute, plan: planAgents(polled, perMinute), pushed };
    this.#counts.set(budgetKey, counts);
    this.#ages.set(budgetKey, { countedAt: now, ms: counts.plan.achievableMs });
    return counts;
  }

  /** Undefined when nothing was counted lately. */
  #longestMs(): number | undefined {
    const now = this.#clock.now();
    let longest: number | undefined;
    for (const [key, { countedAt, ms }] of this.#ages) {
      // What nobody asked about since is not in demand.
      if (now - countedAt > FORGOTTEN_MS) this.#ages.delete(key);
      else longest = Math.max(longest ?? 0, ms);
    }
    return longest;
  }
}
