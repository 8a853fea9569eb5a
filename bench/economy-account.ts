import { setTimeout as wait } from "node:timers/promises";
import { type CheckLoad, checkLoad, decidedPercent } from "./check-load.ts";
import { ECONOMY, REST } from "./economy.ts";
import type { Figure } from "./figure.ts";
import type { Bench } from "./scenario.ts";
import { callsIn } from "./simulator-control.ts";
import type { Asked, Stage } from "./stage.ts";
import { randomFrom } from "./statistics.ts";

const STEADY_PERCENT = 99.5;

/** How large, and how long. */
function sizes(short: boolean) {
  return short
    ? { queues: 40, agents: 200, callsPerSecond: 5, periodMs: 10_000, periods: 2, settleMs: 5000 }
    : // Longer than the minute after which calls of the warm-up no longer count.
      { queues: 400, agents: 2000, callsPerSecond: 30, periodMs: 60_000, periods: 10, settleMs: 65_000 };
}

const PER_SECOND = 30;
const MAX_AGE_MS = 10_000;

/** A company's queues with push, from nothing: how much is answered while everything is read for the first time. */
export async function afterStart(bench: Bench, asked: Asked): Promise<Figure[]> {
  const stage = await open(bench, asked, false);
  const load = begin(stage);
  const shares = await untilSteady(bench, load, `${stage.what}, after start`);
  const usage = await stage.simulator.usage();
  await load.stop();
  return [
    {
      ...share(`${stage.what}: answered within max_age after start`, shares),
      more: { "429s": callsIn(usage, [], 429), "most Light calls in any 60 s": usage.most.light },
    },
  ];
}

/** The same when all is known: in steady state, after a cut that can be recovered, and after one that cannot. */
export async function afterCuts(bench: Bench, asked: Asked): Promise<Figure[]> {
  const { periodMs, settleMs } = sizes(bench.short);
  const stage = await open(bench, asked, true);
  const load = begin(stage);
  await stage.live();
  // Without limits everything is known soon; then the service is told of the limits by the answer to a call.
  await wait(settleMs / 2);
  await stage.simulator.limits({ light: 50, medium: 40, heavy: 10, auth: 5 });
  await stage.by("grpc-js on the gRPC port").destinations.testDestination({
    target: { case: "destinationId", value: stage.ids[0]! },
  });
  await wait(settleMs);
  load.take();

  const measure = async () => {
    const before = await stage.simulator.usage();
    await wait(periodMs);
    const tally = load.take();
    const after = await stage.simulator.usage();
    return { shares: [decidedPercent(tally)], calls: callsIn(after, REST) - callsIn(before, REST) };
  };
  const steady = await measure();
  bench.say(`${stage.what}, steady: ${steady.shares[0]!.toFixed(1)} % answered`);
  await stage.simulator.sockets({ cut: "abrupt" });
  const recovered = await measure();
  bench.say(`${stage.what}, after a cut: ${recovered.shares[0]!.toFixed(1)} % answered`);
  await stage.simulator.sockets({ cut: "abrupt", forget: true });
  const before = await stage.simulator.usage();
  const shares = await untilSteady(bench, load, `${stage.what}, after a lost session`);
  const after = await stage.simulator.usage();
  await load.stop();
  const named = (when: string, of: readonly number[]) => share(`${stage.what}: answered within max_age ${when}`, of);
  return [
    { ...named("in steady state", steady.shares), more: { calls: steady.calls } },
    { ...named("in the minute after a cut", recovered.shares), more: { calls: recovered.calls } },
    {
      ...named("after a lost session", shares),
      more: {
        calls: callsIn(after, REST) - callsIn(before, REST),
        "429s": callsIn(after, [], 429) - callsIn(before, [], 429),
      },
    },
  ];
}

async function open(bench: Bench, asked: Asked, unlimited: boolean) {
  const { queues, agents, callsPerSecond } = sizes(bench.short);
  const stage = await bench.stage({ queues, agents, callsPerSecond, unlimited });
  const criteria = asked === "queue" ? "queue presence" : "agents AVAILABLE, joined";
  const ids = await stage.configure(asked);
  return { ...stage, ids, what: `${queues} queues, ${agents} agents, ${PER_SECOND} Checks/s, push, ${criteria}` };
}

function begin({ ids, by }: Stage & { ids: readonly string[] }): CheckLoad {
  const clients = by("grpc-js on the gRPC port");
  return checkLoad(clients, { ids, perSecond: PER_SECOND, maxAgeMs: MAX_AGE_MS, random: randomFrom(400) });
}

/** Shares answered period by period, until nearly all were. */
async function untilSteady(bench: Bench, load: CheckLoad, what: string): Promise<number[]> {
  const { periodMs, periods } = sizes(bench.short);
  const shares: number[] = [];
  while (shares.length < periods && !(shares.at(-1)! >= STEADY_PERCENT)) {
    await wait(periodMs);
    shares.push(decidedPercent(load.take()));
    bench.say(`${what}, period ${shares.length}: ${shares.at(-1)!.toFixed(1)} % answered`);
  }
  return shares;
}

/** The newest share, with those before it. */
function share(name: string, shares: readonly number[]): Figure {
  const series = shares.length > 1 ? { series: shares, note: "minute by minute" } : {};
  return { scenario: ECONOMY, name, value: shares.at(-1)!, unit: "%", ...series };
}
