import type { Agent, Member } from "./agent.ts";

interface Entry<Value> {
  readonly at: number;
  readonly value: Value;
}

type Opted = readonly { readonly agentId: string; readonly acceptCurrentQueueCalls: boolean }[];

/** Journal keeps what every agent and queue was like, so that an answer can be compared with what was true when it was observed. */
export class Journal {
  readonly #agents = new Map<string, Entry<Agent>[]>();
  readonly #queues = new Map<string, Entry<Opted>[]>();
  readonly #rememberMs: number;

  /** Forgets what ended that many milliseconds ago. */
  constructor(rememberMs: number) {
    this.#rememberMs = rememberMs;
  }

  agentIs(at: number, agent: Agent): void {
    this.#write(this.#agents, agent.id, { at, value: { ...agent } });
  }

  queueIs(at: number, queueId: string, members: readonly Member[]): void {
    const value = members.map(({ agent, acceptCurrentQueueCalls }) => ({ agentId: agent.id, acceptCurrentQueueCalls }));
    this.#write(this.#queues, queueId, { at, value });
  }

  /** The members as they were after everything that happened up to `time`; as at the beginning for a time before it. */
  membersAt(queueId: string, time: number): Member[] {
    const opted = lastUpTo(this.#queues.get(queueId) ?? [], time) ?? [];
    return opted.map(({ agentId, acceptCurrentQueueCalls }) => ({
      agent: lastUpTo(this.#agents.get(agentId)!, time)!,
      acceptCurrentQueueCalls,
    }));
  }

  /** When something about the queue or one of its members changed, after `from` and up to `to`, in order. */
  changesBetween(queueId: string, from: number, to: number): number[] {
    const queue = this.#queues.get(queueId) ?? [];
    const members = new Set(queue.flatMap(({ value }) => value.map(({ agentId }) => agentId)));
    const entries = [queue, ...[...members].map((id) => this.#agents.get(id)!)].flat();
    const times = new Set(entries.map(({ at }) => at).filter((at) => at > from && at <= to));
    return [...times].sort((a, b) => a - b);
  }

  #write<Value>(entries: Map<string, Entry<Value>[]>, id: string, entry: Entry<Value>): void {
    const known = entries.get(id) ?? [];
    entries.set(id, known);
    known.push(entry);
    while (known.length > 1 && known[1]!.at < entry.at - this.#rememberMs) known.shift();
  }
}

function lastUpTo<Value>(entries: readonly Entry<Value>[], time: number): Value | undefined {
  let low = 0;
  let high = entries.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (entries[middle]!.at <= time) low = middle + 1;
    else high = middle;
  }
  return entries[Math.max(0, low - 1)]?.value;
}
