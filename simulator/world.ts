import { acceptsQueueCalls, applyChange, type Member, type MemberChange, newAgent } from "./agent.ts";
import { randomFrom } from "./random.ts";

export interface Queue {
  /** Internal id of the queue's extension, digits; not its extension number. */
  readonly id: string;
  readonly name: string;
  readonly extensionNumber: string;
  readonly members: Member[];
}

/** What is true of a queue now, for tests to compare answers with. */
export interface Truth {
  total: number;
  /** Opted in to this queue. */
  accepting: number;
  /** Opted out of this queue. */
  optedOut: number;
  /** Taking no queue calls at all. */
  doNotDisturb: number;
  /** Opted in and not on Do Not Disturb: what can be known from queue presence alone. */
  available: number;
  /** In any state of a call. */
  onCall: number;
  /** Available and in no call. */
  idle: number;
}

/** Something about a member changed in a queue; a change of the agent is told once for each of the agent's queues. */
export interface WorldChange {
  readonly queueId: string;
  readonly extensionId: string;
}

export interface WorldOptions {
  /** How many queues, 2 unless set. */
  queues?: number;
  /** How many agents in all, 3 per queue unless set; every third one is in two queues. */
  agents?: number;
  /** The same seed gives the same agents and the same ticks. */
  seed?: number;
}

/** World is a RingCentral account: who is in which queue, and what each is doing. */
export class World {
  readonly accountId = "37439510";
  readonly #queues = new Map<string, Queue>();
  readonly #listeners = new Set<(change: WorldChange) => void>();
  readonly #random: () => number;
  #agents = 0;

  constructor(options: WorldOptions = {}) {
    const { queues = 2, agents = queues * 3, seed = 1 } = options;
    this.#random = randomFrom(seed);
    const made = Array.from({ length: queues }, () => this.addQueue(0));
    for (let index = 0; index < agents && queues > 0; index++) {
      const agent = newAgent(this.#agents++);
      const homes = new Set([index % queues, ...(index % 3 === 2 ? [(index + 1) % queues] : [])]);
      for (const home of homes) made[home]?.members.push({ agent, acceptCurrentQueueCalls: true });
    }
  }

  get queueIds(): string[] {
    return [...this.#queues.keys()];
  }

  /** The queue; throws when there is none of that id. */
  queue(queueId: string): Queue {
    const queue = this.#queues.get(queueId);
    if (!queue) throw new Error(`Cannot find queue "${queueId}": the simulator has ${this.queueIds.join(", ")}`);
    return queue;
  }

  find(queueId: string): Queue | undefined {
    return this.#queues.get(queueId);
  }

  /** One more queue, with new agents: that many, or one for each given change from a free agent who takes all calls. */
  addQueue(members: number | readonly MemberChange[]): Queue {
    const index = this.#queues.size;
    const changes = typeof members === "number" ? Array.from({ length: members }, () => ({})) : members;
    const queue: Queue = {
      id: String(62363426000 + index),
      name: `Queue ${index + 1}`,
      extensionNumber: String(3001 + index),
      members: changes.map((change) => {
        const member: Member = { agent: newAgent(this.#agents++), acceptCurrentQueueCalls: true };
        applyChange(member, change);
        return member;
      }),
    };
    this.#queues.set(queue.id, queue);
    return queue;
  }

  /** Changes one member, named by position in the queue (from 0) or by extension id. */
  set(queueId: string, member: number | string, change: MemberChange): void {
    const { members } = this.queue(queueId);
    const found = typeof member === "number" ? members[member] : members.find(({ agent }) => agent.id === member);
    if (!found)
      throw new Error(`Cannot change member "${member}" of queue "${queueId}": it has ${members.length} members`);
    const changed = applyChange(found, change);
    if (changed === "agent") this.#tellAllOf(found.agent.id);
    if (changed === "membership") this.#tell({ queueId, extensionId: found.agent.id });
  }

  /** Changes every member of a queue. */
  setAll(queueId: string, change: MemberChange): void {
    for (const { agent } of this.queue(queueId).members) this.set(queueId, agent.id, change);
  }

  truth(queueId: string): Truth {
    const { members } = this.queue(queueId);
    const count = (holds: (member: Member) => boolean) => members.filter(holds).length;
    const accepts = (member: Member) => member.acceptCurrentQueueCalls && acceptsQueueCalls(member.agent);
    const onCall = ({ agent }: Member) => agent.telephonyStatus !== "NoCall";
    return {
      total: members.length,
      accepting: count((member) => member.acceptCurrentQueueCalls),
      optedOut: count((member) => !member.acceptCurrentQueueCalls),
      doNotDisturb: count((member) => !acceptsQueueCalls(member.agent)),
      available: count(accepts),
      onCall: count(onCall),
      idle: count((member) => accepts(member) && !onCall(member)),
    };
  }

  /** One agent somewhere does one thing: opts in or out of a queue, turns Do Not Disturb on or off, or begins or ends a call. */
  tick(): void {
    const queues = [...this.#queues.values()].filter(({ members }) => members.length > 0);
    const queue = queues[Math.floor(this.#random() * queues.length)];
    if (!queue) return;
    const index = Math.floor(this.#random() * queue.members.length);
    const member = queue.members[index]!;
    const what = this.#random();
    if (what < 0.6) this.set(queue.id, index, { acceptCurrentQueueCalls: !member.acceptCurrentQueueCalls });
    else if (what < 0.8) this.set(queue.id, index, { acceptQueueCalls: !acceptsQueueCalls(member.agent) });
    else if (member.agent.telephonyStatus === "NoCall") {
      this.set(queue.id, index, { telephonyStatus: "CallConnected", presenceStatus: "Busy" });
    } else this.set(queue.id, index, { telephonyStatus: "NoCall", presenceStatus: "Available" });
  }

  /** Calls `listener` for every change from now on; the returned function ends it. */
  subscribe(listener: (change: WorldChange) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #tellAllOf(extensionId: string): void {
    for (const { id, members } of this.#queues.values()) {
      if (members.some(({ agent }) => agent.id === extensionId)) this.#tell({ queueId: id, extensionId });
    }
  }

  #tell(change: WorldChange): void {
    for (const listener of this.#listeners) listener(change);
  }
}
