import { randomFrom } from "./random.ts";

export interface PopulationOptions {
  /** How many queues, 2 unless set. */
  queues?: number;
  /** How many agents in all, 3 per queue unless set; every third one is in two queues unless `queuesPerAgent` is set. */
  agents?: number;
  /** Each agent is in one to so many queues, by seed. */
  queuesPerAgent?: number;
  /** Every agent is on the new call handling. */
  newCallHandling?: boolean;
  seed?: number;
}

/** The positions of the queues that the agent of an index is in; agents are asked for in order. */
export function homesOf(options: PopulationOptions & { queues: number }): (index: number) => number[] {
  const { queues, queuesPerAgent, seed = 1 } = options;
  if (queuesPerAgent === undefined) {
    return (index) => [...new Set([index % queues, ...(index % 3 === 2 ? [(index + 1) % queues] : [])])];
  }
  // A sequence of its own, so that ticks are the same whoever is where.
  const random = randomFrom(seed + 1);
  return (index) => {
    const count = 1 + Math.floor(random() * queuesPerAgent);
    const others = Array.from({ length: count - 1 }, () => Math.floor(random() * queues));
    return [...new Set([index % queues, ...others])];
  };
}
