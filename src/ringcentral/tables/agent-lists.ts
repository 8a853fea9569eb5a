import type { Clock } from "../../lib/clock.ts";
import type { CallApi, CallOptions } from "../calls/call.ts";
import { READ_AGENT_QUEUES, readAgentQueues } from "./agent-queues.ts";
import { type Refreshed, SharedCall, untilTimeUp } from "./shared-call.ts";
import type { Tables } from "./tables.ts";

interface AgentListsDeps {
  readonly call: CallApi;
  readonly clock: Pick<Clock, "now">;
  readonly accountId: string;
  readonly tables: Pick<Tables, "agentQueuesRead">;
  /** What is known of these queues may be different, and is newer. */
  readonly onNews?: ((queueIds: readonly string[]) => void) | undefined;
}

/** A list that nobody wanted for so long is forgotten. */
const FORGOTTEN_MS = 60 * 60_000;
/** For so long nobody is asked for his list again after RingCentral denied one. */
const DENIED_MS = 60 * 60_000;

/**
 * AgentLists reads agents' own lists of queues into the tables, each once however many queues ask: with fewer agents than
 * queues that is the cheaper way to know who takes calls. RingCentral's `acceptCalls` there is the switch that a queue's
 * answer names `acceptCurrentQueueCalls`. A list says nothing of Do Not Disturb, and nothing of who else is in a queue.
 */
export class AgentLists {
  readonly #deps: AgentListsDeps;
  readonly #underWay = new Map<string, SharedCall>();
  /** When each list was last asked for, the newest last. */
  readonly #sentAt = new Map<string, number>();
  #deniedUntil = Number.NEGATIVE_INFINITY;

  constructor(deps: AgentListsDeps) {
    this.#deps = deps;
  }

  /** They may be read, as far as is known. */
  get allowed(): boolean {
    return this.#deps.clock.now() >= this.#deniedUntil;
  }

  /**
   * Sees to it that the lists of these agents are as new as `notBefore` (Unix milliseconds). On a failure what could be
   * read stays. It never rejects.
   */
  async refresh(extensionIds: readonly string[], notBefore: number, options: CallOptions): Promise<Refreshed> {
    const stale = extensionIds.filter((id) => (this.#sentAt.get(id) ?? 0) < notBefore);
    const reads = stale.map((id) => this.#share(id, notBefore, options));
    const all = async () => (await Promise.all(reads)).find((outcome) => !outcome.ok) ?? ({ ok: true } as const);
    return untilTimeUp(all(), options.timeUp, { clock: this.#deps.clock, action: READ_AGENT_QUEUES });
  }

  #share(extensionId: string, notBefore: number, options: CallOptions): Promise<Refreshed> {
    const underWay = this.#underWay.get(extensionId);
    if (underWay?.suits(extensionId, notBefore)) {
      underWay.join(options, [extensionId]);
      return underWay.outcome;
    }
    const call = new SharedCall([extensionId], [extensionId], [options]);
    this.#underWay.set(extensionId, call);
    call.outcome = this.#read(extensionId, call.options).finally(() => {
      if (this.#underWay.get(extensionId) === call) this.#underWay.delete(extensionId);
    });
    return call.outcome;
  }

  async #read(extensionId: string, options: CallOptions): Promise<Refreshed> {
    const { call, clock, accountId, tables, onNews } = this.#deps;
    const read = await readAgentQueues(call, { accountId, extensionId }, options);
    if (read.ok) {
      this.#remember(extensionId, read.sentAt);
      const changed = tables.agentQueuesRead(extensionId, read.accepts, read.sentAt);
      onNews?.([...new Set([...read.accepts.keys(), ...changed])]);
      return { ok: true };
    }
    if (read.failure.reason === "UPSTREAM_PERMISSION_DENIED") this.#deniedUntil = clock.now() + DENIED_MS;
    return read;
  }

  #remember(extensionId: string, sentAt: number): void {
    this.#sentAt.delete(extensionId);
    this.#sentAt.set(extensionId, sentAt);
    for (const [id, at] of this.#sentAt) {
      if (at > sentAt - FORGOTTEN_MS) break;
      this.#sentAt.delete(id);
    }
  }
}
