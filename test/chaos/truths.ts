import type { Agent, Member } from "../../simulator/agent.ts";
import type { World } from "../../simulator/world.ts";
import type { Asked, Kind } from "./queues.ts";

interface Entry {
  readonly at: number;
  readonly value: number;
}

/** Who is in a queue was changed, of which RingCentral sends no news. */
interface Moved {
  readonly queueId: string;
  readonly at: number;
  readonly before: readonly Member[];
}

/** Truths is the number that each question had for its answer at every moment. */
export class Truths {
  readonly #world: World;
  readonly #now: () => number;
  readonly #asked = new Map<string, Asked>();
  readonly #values = new Map<string, Entry[]>();
  /** When anything about a queue or its members was another. */
  readonly #times = new Map<string, number[]>();
  readonly #moved: Moved[] = [];

  constructor(world: World, asked: readonly Asked[], now: () => number) {
    this.#world = world;
    this.#now = now;
    for (const one of asked) {
      this.#asked.set(one.queueId, one);
      this.#values.set(one.queueId, [{ at: Number.NEGATIVE_INFINITY, value: this.#count(one) }]);
      this.#times.set(one.queueId, []);
    }
    world.subscribe(({ queueId }) => this.#changed(queueId));
  }

  /** Puts an agent into a queue, or takes one out of it. */
  move(queueId: string, how: { add: string } | { remove: string }): void {
    const before = copied(this.#world.queue(queueId).members);
    if ("add" in how) this.#world.addMember(queueId, how.add);
    else this.#world.removeMember(queueId, how.remove);
    this.#moved.push({ queueId, at: this.#now(), before });
    this.#changed(queueId);
  }

  /** The number now. */
  at(queueId: string): number {
    return this.#values.get(queueId)!.at(-1)!.value;
  }

  /** Every number that was true for a while from `from` to `to`, Unix milliseconds. */
  between(queueId: string, from: number, to: number): ReadonlySet<number> {
    const values = this.#values.get(queueId)!;
    // What changes at `from` itself may have changed after it was looked at.
    const first = values.findLastIndex(({ at }) => at < from);
    return new Set(values.slice(Math.max(0, first)).flatMap(({ at, value }) => (at <= to ? [value] : [])));
  }

  /**
   * Whether the number can be put together from what each field of each member was at some moment of that time, each at
   * its own. Two reads make one answer where queue and extensions are asked for separately.
   */
  couldBe(queueId: string, value: number, from: number, to: number): boolean {
    const times = this.#times.get(queueId)!.filter((at) => at > from && at <= to);
    const states = [from - 1, from, ...times, to].map((at) => this.#world.membersAt(queueId, at));
    return within(this.#asked.get(queueId)!.kind, states, value);
  }

  /** The same where agents who hide their presence now may be as they were at any moment after `since`. */
  couldBeHidden(queueId: string, value: number, from: number, to: number, since: number): boolean {
    const times = this.#times.get(queueId)!.filter((at) => at > since && at <= to);
    const states = [since, from, ...times, to].map((at) => {
      const members = this.#world.membersAt(queueId, at);
      return at >= from ? members : members.filter(({ agent: { id } }) => !this.#world.agent(id)!.allowSeeMyPresence);
    });
    return within(this.#asked.get(queueId)!.kind, states, value);
  }

  /** The same with the members as they were before one of the changes after `since`, as they are now. */
  couldBeBefore(queueId: string, value: number, since: number): boolean {
    const now = this.#world.queue(queueId).members;
    return this.#moved
      .filter((move) => move.queueId === queueId && move.at > since)
      .some(({ before }) => {
        const present = before.map(
          (member) => now.find(({ agent }) => agent.id === member.agent.id) ?? gone(member, this.#world),
        );
        return within(this.#asked.get(queueId)!.kind, [present], value);
      });
  }

  /** What was true around an answer, for whoever looks for the bug. */
  journal(queueId: string, from: number, to: number, origin: number): string {
    const seconds = (at: number) => `${((at - origin) / 1000).toFixed(3)} s`;
    const shown = this.#times.get(queueId)!.filter((at) => at > from && at <= to);
    return [from, ...shown]
      .map((at) => {
        const members = this.#world.membersAt(queueId, at).map(({ agent, acceptCurrentQueueCalls }) => {
          const { id, dndStatus, telephonyStatus, presenceStatus } = agent;
          const opted = acceptCurrentQueueCalls ? "in" : "out";
          return `${id.slice(-3)}:${opted},${dndStatus},${telephonyStatus},${presenceStatus}`;
        });
        return `    ${seconds(at)}  ${[...this.between(queueId, at, at)].at(-1)}  ${members.join(" ")}`;
      })
      .join("\n");
  }

  #changed(queueId: string): void {
    const asked = this.#asked.get(queueId);
    if (!asked) return;
    const at = this.#now();
    this.#times.get(queueId)!.push(at);
    const value = this.#count(asked);
    const values = this.#values.get(queueId)!;
    if (values.at(-1)!.value !== value) values.push({ at, value });
  }

  #count({ queueId, kind }: Asked): number {
    return this.#world.queue(queueId).members.filter(kind.counts).length;
  }
}

const FIELDS = ["dndStatus", "telephonyStatus", "presenceStatus"] as const satisfies readonly (keyof Agent)[];

/** Whether some of the members' fields, each from any of the states, make the number. */
function within({ counts }: Kind, states: readonly (readonly Member[])[], value: number): boolean {
  const byAgent = new Map<string, Member[]>();
  for (const member of states.flat()) {
    const { id } = member.agent;
    byAgent.set(id, [...(byAgent.get(id) ?? []), member]);
  }
  let least = 0;
  let most = 0;
  for (const members of byAgent.values()) {
    const outcomes = new Set(mixtures(members).map(counts));
    const always = states.at(-1)!.some(({ agent }) => agent.id === members[0]!.agent.id);
    if (outcomes.has(true)) most++;
    if (always && !outcomes.has(false)) least++;
  }
  return value >= least && value <= most;
}

/** A member with each field as it was in any of several states. */
function mixtures(states: readonly Member[]): Member[] {
  let mixed: Member[] = [...new Set(states.map(({ acceptCurrentQueueCalls }) => acceptCurrentQueueCalls))].map(
    (acceptCurrentQueueCalls) => ({ agent: states[0]!.agent, acceptCurrentQueueCalls }),
  );
  for (const field of FIELDS) {
    const values = [...new Set(states.map(({ agent }) => agent[field]))];
    mixed = mixed.flatMap((member) =>
      values.map((value) => ({ ...member, agent: { ...member.agent, [field]: value } })),
    );
  }
  return mixed;
}

/** Who is no member any more, as the agent is now. */
function gone(member: Member, world: World): Member {
  return { ...member, agent: world.agent(member.agent.id) ?? member.agent };
}

function copied(members: readonly Member[]): Member[] {
  return members.map((member) => ({ ...member, agent: { ...member.agent } }));
}
