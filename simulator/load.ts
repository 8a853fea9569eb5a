import { acceptsQueueCalls, type Member } from "./agent.ts";
import type { Clock } from "./clock.ts";
import { randomFrom } from "./random.ts";
import type { World } from "./world.ts";

/** A synthetic load of calls, and of agents who opt in and out and turn Do Not Disturb on and off. */
export interface LoadOptions {
  /** Calls that come to some queue. */
  callsPerSecond: number;
  /** How long a phone rings, 5 unless set. */
  ringSeconds?: number;
  /** How long a call takes on average, 40 unless set. */
  talkSeconds?: number;
  /** Changes of mind, a tenth of `callsPerSecond` unless set. */
  togglesPerSecond?: number;
  /** 1 unless set; the same seed gives the same calls. */
  seed?: number;
}

interface Happening {
  readonly at: number;
  readonly happen: () => void;
}

/** Load makes things happen in a world, each at its own time, as far as it is told to go. */
export class Load {
  readonly #world: World;
  readonly #options: Required<LoadOptions>;
  readonly #random: () => number;
  /** What is to come, soonest last. */
  readonly #coming: Happening[] = [];
  /** Calls that found nobody. */
  lost = 0;
  /** Calls that rang somewhere. */
  offered = 0;

  constructor(world: World, options: LoadOptions, from: number) {
    this.#world = world;
    const { callsPerSecond } = options;
    this.#options = {
      ringSeconds: 5,
      talkSeconds: 40,
      togglesPerSecond: callsPerSecond / 10,
      seed: 1,
      ...options,
    };
    this.#random = randomFrom(this.#options.seed);
    this.#repeat(from, callsPerSecond, (at) => this.#call(at));
    this.#repeat(from, this.#options.togglesPerSecond, () => this.#toggle());
  }

  /** When the next thing happens, Unix milliseconds. */
  get nextAt(): number | undefined {
    return this.#coming.at(-1)?.at;
  }

  /** Lets one thing happen. */
  step(): void {
    this.#coming.pop()?.happen();
  }

  #repeat(from: number, perSecond: number, happen: (at: number) => void): void {
    if (perSecond <= 0) return;
    const at = from + this.#about(1000 / perSecond);
    this.#at(at, () => {
      this.#repeat(at, perSecond, happen);
      happen(at);
    });
  }

  #call(at: number): void {
    const queueId = this.#pick(this.#world.queueIds);
    const free = queueId === undefined ? [] : this.#world.queue(queueId).members.filter(isFree);
    const agentId = this.#pick(free)?.agent.id;
    if (queueId === undefined || agentId === undefined) {
      this.lost++;
      return;
    }
    this.offered++;
    const answered = at + (this.#random() + 0.5) * this.#options.ringSeconds * 1000;
    const ended = answered + this.#about(this.#options.talkSeconds * 1000);
    this.#world.change(agentId, { telephonyStatus: "Ringing", presenceStatus: "Busy" });
    this.#at(answered, () => this.#world.change(agentId, { telephonyStatus: "CallConnected" }));
    this.#at(ended, () => this.#world.change(agentId, { telephonyStatus: "NoCall", presenceStatus: "Available" }));
  }

  // Back to taking calls at once, away from it at times: most agents take calls at any moment.
  #toggle(): void {
    const queueId = this.#pick(this.#world.queueIds);
    const member = queueId === undefined ? undefined : this.#pick(this.#world.queue(queueId).members);
    if (queueId === undefined || !member) return;
    const { agent, acceptCurrentQueueCalls } = member;
    const away = this.#random() < 0.3;
    const what = this.#pick(["opt", "dnd", "offline"] as const) ?? "opt";
    switch (what) {
      case "opt":
        if (!acceptCurrentQueueCalls || away)
          this.#world.set(queueId, agent.id, { acceptCurrentQueueCalls: !acceptCurrentQueueCalls });
        break;
      case "dnd":
        if (!acceptsQueueCalls(agent) || away)
          this.#world.change(agent.id, { acceptQueueCalls: !acceptsQueueCalls(agent) });
        break;
      case "offline":
        if (agent.presenceStatus === "Offline") this.#world.change(agent.id, { presenceStatus: "Available" });
        else if (away && isFree(member)) this.#world.change(agent.id, { presenceStatus: "Offline" });
    }
  }

  #at(at: number, happen: () => void): void {
    const before = this.#coming.findLastIndex((other) => other.at > at);
    this.#coming.splice(before + 1, 0, { at, happen });
  }

  #pick<Item>(items: readonly Item[]): Item | undefined {
    return items[Math.floor(this.#random() * items.length)];
  }

  /** A time whose average is `mean`, as of things that do not know of each other. */
  #about(mean: number): number {
    return -Math.log(1 - this.#random()) * mean;
  }
}

function isFree(member: Member): boolean {
  return member.acceptCurrentQueueCalls && acceptsQueueCalls(member.agent) && member.agent.telephonyStatus === "NoCall";
}

/** Makes a load happen in step with a clock; the returned function begins one, or ends it. */
export function driveLoad(world: World, clock: Clock): (options: LoadOptions | undefined) => void {
  let cancel: (() => void) | undefined;
  const arm = () => {
    const next = world.nextAt;
    cancel = next === undefined ? undefined : clock.after(Math.max(0, next - clock.now()), go);
  };
  const go = () => {
    world.advanceTo(clock.now());
    arm();
  };
  return (options) => {
    cancel?.();
    world.load(options);
    arm();
  };
}
