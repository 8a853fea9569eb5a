import { type Agent, applyChange, type Member, type MemberChange, newAgent } from "./agent.ts";
import { Journal } from "./journal.ts";
import { Load, type LoadOptions } from "./load.ts";
import { Listeners, type News, type WorldChange } from "./news.ts";
import { homesOf, type PopulationOptions } from "./population.ts";
import { randomFrom } from "./random.ts";
import { tick } from "./tick.ts";
import { type Truth, truthOf } from "./truth.ts";

export interface Queue {
  /** Internal id of the queue's extension, digits; not its extension number. */
  readonly id: string;
  readonly name: string;
  readonly extensionNumber: string;
  readonly members: Member[];
  /** A queue that is not Enabled takes no calls, whatever its members' flags say. */
  status: "Enabled" | "Disabled" | "NotActivated";
}

export interface WorldOptions extends PopulationOptions {
  /** The same seed gives the same agents and the same ticks. */
  seed?: number;
  /** Unix milliseconds. */
  now?: () => number;
  /** How long the past is remembered, in milliseconds; for good unless set. */
  rememberMs?: number;
}

/** World is a RingCentral account: who is in which queue, and what each is doing. */
export class World {
  readonly accountId = "37439510";
  readonly #queues = new Map<string, Queue>();
  readonly #agents = new Map<string, { readonly agent: Agent; readonly queueIds: Set<string> }>();
  readonly #changes = new Listeners<WorldChange>();
  readonly #news = new Listeners<News>();
  readonly #journal: Journal;
  readonly #random: () => number;
  readonly #now: () => number;
  readonly #newCallHandling: boolean;
  #load: Load | undefined;
  /** The time of what the load makes happen just now. */
  #happeningAt: number | undefined;

  constructor(options: WorldOptions = {}) {
    const { queues = 2, agents = queues * 3, seed = 1, now = Date.now } = options;
    this.#random = randomFrom(seed);
    this.#now = now;
    this.#newCallHandling = options.newCallHandling ?? false;
    this.#journal = new Journal(options.rememberMs ?? Number.POSITIVE_INFINITY);
    const made = Array.from({ length: queues }, () => this.addQueue(0));
    if (queues === 0) return;
    const homes = homesOf({ ...options, queues });
    for (let index = 0; index < agents; index++) {
      const agent = this.#newAgent();
      for (const home of homes(index)) this.#join(made[home]!, { agent, acceptCurrentQueueCalls: true });
    }
    for (const { id, members } of made) this.#journal.queueIs(this.#time, id, members);
  }

  get queueIds(): string[] {
    return [...this.#queues.keys()];
  }

  /** Everybody, in the order of their ids. */
  get agents(): Agent[] {
    return [...this.#agents.values()].map(({ agent }) => agent);
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

  agent(extensionId: string): Agent | undefined {
    return this.#agents.get(extensionId)?.agent;
  }

  /** The queues an agent is in. */
  queuesOf(extensionId: string): Queue[] {
    return [...(this.#agents.get(extensionId)?.queueIds ?? [])].map((id) => this.queue(id));
  }

  /** One more queue, with new agents: that many, or one for each given change from a free agent who takes all calls. */
  addQueue(members: number | readonly MemberChange[]): Queue {
    const index = this.#queues.size;
    const changes = typeof members === "number" ? Array.from({ length: members }, () => ({})) : members;
    const queue: Queue = {
      id: String(62363426000 + index),
      name: `Queue ${index + 1}`,
      extensionNumber: String(3001 + index),
      members: [],
      status: "Enabled",
    };
    this.#queues.set(queue.id, queue);
    for (const change of changes) {
      const member: Member = { agent: this.#newAgent(change), acceptCurrentQueueCalls: true };
      applyChange(member, change);
      this.#join(queue, member);
    }
    this.#journal.queueIs(this.#time, queue.id, queue.members);
    return queue;
  }

  /** Puts an agent into one more queue; no news are sent of who is in a queue. */
  addMember(queueId: string, extensionId: string, acceptCurrentQueueCalls = true): void {
    const { agent } = this.#known(extensionId);
    const queue = this.queue(queueId);
    this.#join(queue, { agent, acceptCurrentQueueCalls });
    this.#journal.queueIs(this.#time, queueId, queue.members);
  }

  removeMember(queueId: string, extensionId: string): void {
    const { members } = this.queue(queueId);
    const index = members.findIndex(({ agent }) => agent.id === extensionId);
    if (index === -1) throw new Error(`Cannot remove "${extensionId}" from queue "${queueId}": not a member`);
    members.splice(index, 1);
    this.#known(extensionId).queueIds.delete(queueId);
    this.#journal.queueIs(this.#time, queueId, members);
  }

  /** Changes one member, named by position in the queue (from 0) or by extension id. */
  set(queueId: string, member: number | string, change: MemberChange): void {
    const { members } = this.queue(queueId);
    const found = typeof member === "number" ? members[member] : members.find(({ agent }) => agent.id === member);
    if (!found)
      throw new Error(`Cannot change member "${member}" of queue "${queueId}": it has ${members.length} members`);
    const before = { ...found.agent };
    const changed = applyChange(found, change);
    const at = this.#time;
    if (changed.membership) {
      this.#journal.queueIs(at, queueId, members);
      if (!changed.agent) this.#changes.tell({ queueId, extensionId: found.agent.id });
      this.#news.tell({ kind: "membership", at, queueId, member: { ...found, agent: { ...found.agent } } });
    }
    if (changed.agent) this.#tellOfAgent(at, found.agent, before);
  }

  /** Changes every member of a queue. */
  setAll(queueId: string, change: MemberChange): void {
    for (const { agent } of this.queue(queueId).members) this.set(queueId, agent.id, change);
  }

  /** Changes an agent, in a queue or not. */
  change(extensionId: string, change: Omit<MemberChange, "acceptCurrentQueueCalls">): void {
    const { agent } = this.#known(extensionId);
    const before = { ...agent };
    const changed = applyChange({ agent, acceptCurrentQueueCalls: true }, change);
    if (changed.agent) this.#tellOfAgent(this.#time, agent, before);
  }

  truth(queueId: string): Truth {
    this.advanceTo(this.#now());
    return truthOf(this.queue(queueId).members);
  }

  /** What was true after everything that happened up to `time`, Unix milliseconds. */
  truthAt(queueId: string, time: number): Truth {
    return truthOf(this.membersAt(queueId, time));
  }

  /** Everything that was true for a while from `from` to `to`, in order. */
  truthsBetween(queueId: string, from: number, to: number): Truth[] {
    this.advanceTo(this.#now());
    return [from, ...this.#journal.changesBetween(queueId, from, to)].map((at) => this.truthAt(queueId, at));
  }

  /** The members as they were at `time`, Unix milliseconds. */
  membersAt(queueId: string, time: number): Member[] {
    this.advanceTo(this.#now());
    this.queue(queueId);
    return this.#journal.membersAt(queueId, time);
  }

  /** One agent somewhere does one thing: opts in or out of a queue, turns Do Not Disturb on or off, or begins or ends a call. */
  tick(): void {
    tick(this, this.#random);
  }

  /** Begins a load of calls, from now on, in place of one that runs; undefined ends it. */
  load(options: LoadOptions | undefined): void {
    this.advanceTo(this.#now());
    this.#load = options && new Load(this, options, this.#now());
  }

  /** When the load makes something happen next, Unix milliseconds. */
  get nextAt(): number | undefined {
    return this.#load?.nextAt;
  }

  /** Lets everything happen that the load has for the time up to `time`, each thing at its own. */
  advanceTo(time: number): void {
    if (this.#happeningAt !== undefined) return;
    for (let at = this.nextAt; at !== undefined && at <= time; at = this.nextAt) {
      this.#happeningAt = at;
      try {
        this.#load!.step();
      } finally {
        this.#happeningAt = undefined;
      }
    }
  }

  /** Calls `listener` for every change from now on; the returned function ends it. */
  subscribe(listener: (change: WorldChange) => void): () => void {
    return this.#changes.add(listener);
  }

  /** Calls `listener` once for each thing that changes, with what it was before; the returned function ends it. */
  onNews(listener: (news: News) => void): () => void {
    return this.#news.add(listener);
  }

  get #time(): number {
    return this.#happeningAt ?? this.#now();
  }

  #newAgent(change: MemberChange = {}): Agent {
    const agent = newAgent(this.#agents.size);
    agent.newCallHandling = this.#newCallHandling;
    applyChange({ agent, acceptCurrentQueueCalls: true }, change);
    this.#agents.set(agent.id, { agent, queueIds: new Set() });
    this.#journal.agentIs(this.#time, agent);
    return agent;
  }

  #join(queue: Queue, member: Member): void {
    queue.members.push(member);
    this.#known(member.agent.id).queueIds.add(queue.id);
  }

  #known(extensionId: string) {
    const known = this.#agents.get(extensionId);
    if (!known)
      throw new Error(`Cannot find extension "${extensionId}": the simulator has ${this.#agents.size} agents`);
    return known;
  }

  #tellOfAgent(at: number, agent: Agent, before: Agent): void {
    this.#journal.agentIs(at, agent);
    for (const queueId of this.#known(agent.id).queueIds) this.#changes.tell({ queueId, extensionId: agent.id });
    this.#news.tell({ kind: "agent", at, agent: { ...agent }, before });
  }
}
