import { setTimeout as wait } from "node:timers/promises";
import { type CheckLoad, checkLoad } from "./check-load.ts";
import { ECONOMY, REST, undecidedOf } from "./economy.ts";
import type { Figure } from "./figure.ts";
import type { Bench } from "./scenario.ts";
import { callsIn } from "./simulator-control.ts";
import { randomFrom } from "./statistics.ts";

const PER_SECOND = 30;
// Long enough that every queue was asked about.
const WARM_PERIOD_MS = 10_000;
const LONGEST_WARM_UP = 12;

/** Checks on thirty queues of one connection, all the time: whether the budget is enough, and what it costs. */
export async function thirtyQueues(bench: Bench, by: "polling" | "push"): Promise<Figure[]> {
  const maxAgeSeconds = by === "push" ? 2 : 60;
  const seconds = bench.short ? 5 : by === "push" ? 60 : 180;
  const stage = await bench.stage({ queues: 30, agents: 150, polling: by === "polling", callsPerSecond: 3 });
  const ids = await stage.configure("queue", maxAgeSeconds);
  const load = checkLoad(stage.by("grpc-js on the gRPC port"), {
    ids,
    perSecond: PER_SECOND,
    maxAgeMs: maxAgeSeconds * 1000,
    random: randomFrom(30),
  });
  if (by === "push") await stage.live();
  const warmUpSeconds = await warmUp(load, bench.short ? 1 : LONGEST_WARM_UP);
  const before = await stage.simulator.usage();
  await wait(seconds * 1000);
  await load.stop();
  const tally = load.take();
  const after = await stage.simulator.usage();
  const scenario = ECONOMY;
  const what = `30 queues by ${by}`;
  bench.say(`${what}: ${tally.answered} answers after ${warmUpSeconds} s of warming up`);
  return [
    { ...undecidedOf(what, tally), note: `in ${seconds} s after ${warmUpSeconds} s of warming up` },
    {
      scenario,
      name: `${what}: most Light calls in any 60 s`,
      value: after.most.light,
      unit: "",
      goal: { atMost: 50 },
      more: { "429s": callsIn(after, [], 429) },
      note: "warm-up included",
    },
    {
      scenario,
      name: `${what}: calls a minute`,
      value: ((callsIn(after, REST) - callsIn(before, REST)) * 60) / seconds,
      unit: "",
      more: { "while warming up": callsIn(before, REST) },
    },
  ];
}

/** Waits until everything was decided for a while; resolves to the seconds that it took, those of that while included. */
async function warmUp(load: CheckLoad, longest: number): Promise<number> {
  for (let periods = 1; ; periods++) {
    await wait(WARM_PERIOD_MS);
    const { answered, decided } = load.take();
    if (answered === decided || periods === longest) return (periods * WARM_PERIOD_MS) / 1000;
  }
}
