import { setTimeout as wait } from "node:timers/promises";
import { checkLoad } from "./check-load.ts";
import { ECONOMY, REST, undecidedOf } from "./economy.ts";
import type { Figure } from "./figure.ts";
import type { Bench } from "./scenario.ts";
import { callsIn } from "./simulator-control.ts";

const PER_SECOND = 500;

/** Many Checks on one queue that is polled: how many reads they cost. */
export async function oneQueue(bench: Bench): Promise<Figure[]> {
  const seconds = bench.short ? 5 : 60;
  const stage = await bench.stage({ queues: 1, agents: 50, polling: true, callsPerSecond: 1 });
  const ids = await stage.configure("queue");
  const load = checkLoad(stage.by("grpc-js on the gRPC port"), {
    ids,
    perSecond: PER_SECOND,
    maxAgeMs: 10_000,
    random: Math.random,
  });
  await wait(seconds * 1000);
  await load.stop();
  const tally = load.take();
  const usage = await stage.simulator.usage();
  const scenario = ECONOMY;
  const what = "1 queue by polling";
  bench.say(`${what}: ${tally.answered} answers`);
  return [
    {
      scenario,
      name: `${what}: presence reads`,
      value: callsIn(usage, ["queue-presence"]),
      unit: "",
      goal: { atMost: 40 },
      more: { answers: tally.answered, "calls of all kinds": callsIn(usage, REST) },
      note: `in ${seconds} s`,
    },
    { scenario, name: `${what}: 429s`, value: callsIn(usage, [], 429), unit: "", goal: { atMost: 0 } },
    undecidedOf(what, tally),
  ];
}
