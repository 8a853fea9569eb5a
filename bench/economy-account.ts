import { setTimeout as wait } from "node:timers/promises";
import { type CheckLoad, checkLoad, decidedPercent } from "./check-load.ts";
import { ECONOMY, REST } from "./economy.ts";
import type { Figure } from "./figure.ts";
import type { Bench } from "./scenario.ts";
import { callsIn, type Usage } from "./simulator-control.ts";
import type { Asked, Stage } from "./stage.ts";
import { randomFrom } from "./statistics.ts";

const STEADY_PERCENT = 99.5;
const PER_SECOND = 30;
const MAX_AGE_MS = 10_000;
const LIMITS = { light: 50, medium: 40, heavy: 10, auth: 5 };
const AT_A_TIME = 20;

/** How large, and how long. */
function sizes(short: boolean) {
  return short
    ? { queues: 40, agents: 200, callsPerSecond: 5, periodMs: 5000, periods: 1, settleMs: 0 }
    : // Longer than the minute after which calls no longer count.
      { queues: 400, agents: 2000, callsPerSecond: 30, periodMs: 60_000, periods: 10, settleMs: 65_000 };
}

/** Periods of a load, oldest first, and what RingCentral was asked in them. */
interface Measured {
  readonly percents: number[];
  readonly tooOld: number;
  readonly before: Usage;
  readonly after: Usage;
}

/** A company's queues with push, from nothing: how much is answered while everything is read for the first time. */
export async function afterStart(bench: Bench, asked: Asked): Promise<Figure[]> {
  const { periods } = sizes(bench.short);
  const stage = await open(bench, asked, false);
  const load = begin(stage);
  const measured = await measure(bench, { stage, load, periods, when: "after start" });
  await load.stop();
  return [figure(stage.what, "after start", measured)];
}

/** The same when all is known: in steady state, after a cut that can be recovered, and after one that cannot. */
export async function afterCuts(bench: Bench, asked: Asked): Promise<Figure[]> {
  const { periods, settleMs } = sizes(bench.short);
  const stage = await open(bench, asked, true);
  const { availability, destinations } = stage.by("grpc-js on the gRPC port");
  // Push begins with the demand for it.
  const load = begin(stage);
  await stage.live();
  for (let next = 0; next < stage.ids.length; next += AT_A_TIME) {
    const some = stage.ids.slice(next, next + AT_A_TIME);
    await Promise.all(some.map((destinationId) => availability.check({ destinationId, maxAge: {} })));
  }
  if (settleMs > 0) {
    await wait(settleMs);
    // Nothing is read any more, so that the limits hold from here on; the answer to a call tells the service of them.
    await stage.simulator.limits(LIMITS);
    await destinations.testDestination({ target: { case: "destinationId", value: stage.ids[0]! } });
    load.take();
  }

  const during = (when: string, periods: number) => measure(bench, { stage, load, periods, when });
  const steady = await during("in steady state", 1);
  await stage.simulator.cut();
  const recovered = await during("after a cut", 1);
  await stage.simulator.switches({ recoveryTimeout: 0 });
  await stage.simulator.cut();
  const lost = await during("after a lost session", periods);
  await load.stop();
  return [
    figure(stage.what, "in steady state", steady),
    figure(stage.what, "after a cut", recovered),
    figure(stage.what, "after a lost session", lost),
  ];
}

async function open(bench: Bench, asked: Asked, ampleLimits: boolean) {
  const { queues, agents, callsPerSecond } = sizes(bench.short);
  const stage = await bench.stage({ queues, agents, callsPerSecond, ampleLimits });
  const ids = await stage.configure(asked);
  return { ...stage, ids, what: `${queues} queues, ${asked === "queue" ? "queue presence" : "joined"}` };
}

function begin({ ids, by }: Stage & { ids: readonly string[] }): CheckLoad {
  const clients = by("grpc-js on the gRPC port");
  return checkLoad(clients, { ids, perSecond: PER_SECOND, maxAgeMs: MAX_AGE_MS, random: randomFrom(400) });
}

/** Measures period by period, `periods` at most, until nearly all Checks were answered. */
async function measure(
  bench: Bench,
  of: { stage: Stage & { what: string }; load: CheckLoad; periods: number; when: string },
): Promise<Measured> {
  const { stage, load, periods, when } = of;
  const { periodMs } = sizes(bench.short);
  const before = await stage.simulator.usage();
  const percents: number[] = [];
  let tooOld = 0;
  while (percents.length < periods && !(percents.at(-1)! >= STEADY_PERCENT)) {
    await wait(periodMs);
    const tally = load.take();
    percents.push(decidedPercent(tally));
    tooOld += tally.tooOld;
    bench.say(`${stage.what}, ${when}, period ${percents.length}: ${percents.at(-1)!.toFixed(1)} % answered`);
  }
  return { percents, tooOld, before, after: await stage.simulator.usage() };
}

/** The newest share, with those before it. */
function figure(what: string, when: string, { percents, tooOld, before, after }: Measured): Figure {
  const calls = (status?: number) => callsIn(after, REST, status) - callsIn(before, REST, status);
  return {
    scenario: ECONOMY,
    name: `${what}: answered ${when}`,
    value: percents.at(-1)!,
    unit: "%",
    ...(percents.length > 1 && { series: percents, note: "minute by minute" }),
    more: { calls: calls(), "429s": calls(429), "older than max_age": tooOld },
  };
}
