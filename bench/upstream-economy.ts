import { ECONOMY } from "./economy.ts";
import { afterCuts, afterStart } from "./economy-account.ts";
import { oneQueue } from "./economy-one-queue.ts";
import { thirtyQueues } from "./economy-thirty-queues.ts";
import type { Scenario } from "./scenario.ts";

/** What RingCentral is asked for the answers that are given, and how many there are within its limits. */
export const upstreamEconomy: Scenario = {
  name: ECONOMY,
  async run(bench) {
    const figures = await oneQueue(bench);
    // The others leave the processor nearly idle: what bounds them is the minute.
    const further = await Promise.all([
      thirtyQueues(bench, "polling"),
      thirtyQueues(bench, "push"),
      afterStart(bench, "queue"),
      afterCuts(bench, "joined"),
      ...(bench.short ? [] : [afterStart(bench, "joined"), afterCuts(bench, "queue")]),
    ]);
    return [...figures, ...further.flat()];
  },
};
