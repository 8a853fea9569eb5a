import { expect, test } from "vitest";
import { presenceOnClock } from "./support/presence-on-clock.ts";

const MINUTE = 60_000;

test.each(["each", "one"] as const)(
  "the limit is kept where RingCentral counts a call for several extensions as %s",
  async (bulkCalls) => {
    const limits = { light: 50, heavy: 1 };
    const world = await presenceOnClock({ queues: 6, agents: 60, queuesPerAgent: 2, limits, switches: { bulkCalls } });
    const { simulator, clock, watch } = world;
    const reads = simulator.world.queueIds.map((id) => watch(id, 10_000, ["optIn", "extension"]));
    for (let second = 0; second < 5 * 60; second++) await clock.advance(1_000);
    const refused = simulator.requests.filter(({ status }) => status === 429);
    const most = simulator.limits.most("light");
    expect(refused).toEqual([]);
    expect(most).toBeLessThanOrEqual(limits.light);
    // It is used all the same.
    expect(most).toBeGreaterThan(limits.light / 2);
    for (const { newest } of reads) expect(clock.now() - newest!.observed.extension.at).toBeLessThan(3 * MINUTE);
    await world.close();
  },
);
