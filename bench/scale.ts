import { setTimeout as wait } from "node:timers/promises";
import { checkLoad, decidedPercent } from "./check-load.ts";
import type { Figure } from "./figure.ts";
import { usageOf } from "./process-usage.ts";
import type { RunningService, ScaleStage } from "./scale-stage.ts";
import type { Bench, Scenario } from "./scenario.ts";
import { callsIn } from "./simulator-control.ts";
import { overRounds } from "./statistics.ts";

const SCENARIO = "scale";
const PER_SECOND = 200;
const PER_CONNECTION = 10;
const MAX_AGE_MS = 10_000;
// A Check keeps its queue in demand for a minute.
const DEMAND_ENDS_MS = 62_000;
const PROBE_EVERY_MS = 50;
const MIB = 2 ** 20;

interface Seconds {
  /** At least; every destination is asked once before anything is measured. */
  readonly warmUp: number;
  readonly load: number;
  readonly idle: number;
  readonly starts: number;
}

/** What one size came to. */
interface Measured {
  readonly destinations: number;
  readonly figures: readonly Figure[];
  readonly rssMiB: number;
  readonly startMs: number;
}

/** How one process bears many destinations, each ten of them on a connection of its own. */
export const scale: Scenario = {
  name: SCENARIO,
  async run(bench) {
    const sizes = bench.short ? [100] : [100, 1_000, 10_000];
    const seconds = bench.short
      ? { warmUp: 2, load: 2, idle: 2, starts: 1 }
      : { warmUp: 20, load: 30, idle: 15, starts: 5 };
    const measured: Measured[] = [];
    for (const destinations of sizes) measured.push(await measure(bench, destinations, seconds));
    return [...measured.flatMap(({ figures }) => figures), ...growth(measured)];
  },
};

async function measure(bench: Bench, destinations: number, seconds: Seconds): Promise<Measured> {
  const size = { destinations, connections: destinations / PER_CONNECTION };
  const what = `${destinations.toLocaleString("en-US")} destinations`;
  const stage = await bench.scaleStage(size);
  const service = await stage.start();
  await stage.configure(service.clients);
  bench.say(`${what}: configured`);
  const asked = await ask(stage, service, seconds);
  bench.say(`${what}: ${asked.tally.answered} answers`);
  if (!bench.short) await wait(DEMAND_ENDS_MS);
  const idlePercent = await cpuPercent(service, () => wait(seconds.idle * 1000));
  bench.say(`${what}: idle`);
  const stopMs = await service.stop();
  const starts: { ms: number; rssMiB: number }[] = [];
  while (starts.length < seconds.starts) {
    const again = await stage.start();
    starts.push({ ms: again.startMs, rssMiB: rssMiB(again) });
    await again.stop();
  }
  bench.say(`${what}: started ${starts.length} times`);

  const start = overRounds(starts.map(({ ms }) => ms));
  const figure = (name: string, value: number, unit: string, rest: Partial<Figure> = {}): Figure => {
    return { scenario: SCENARIO, name: `${what}: ${name}`, value, unit, ...rest };
  };
  const { tally, calls, cpu, rss, longestMs } = asked;
  return {
    destinations,
    rssMiB: rss,
    startMs: start.value,
    figures: [
      figure("RSS under load", rss, "MiB", { goal: { atMost: 400 } }),
      figure("CPU under load", cpu, "%", { more: { "longest answer of /healthz ms": longestMs } }),
      figure("decided", decidedPercent(tally), "%", {
        more: {
          answers: tally.answered,
          "upstream calls": calls,
          "older than max_age": tally.tooOld,
          ...tally.undecided,
        },
      }),
      figure("CPU when idle", idlePercent, "%", { goal: { atMost: 2 } }),
      figure("start on a full store", start.value, "ms", { spread: start.spread, goal: { atMost: 2000 } }),
      figure("RSS after start", overRounds(starts.map((one) => one.rssMiB)).value, "MiB"),
      figure("stop", stopMs, "ms"),
    ],
  };
}

/** Checks of each destination in turn, every one of them before what is counted. */
async function ask(stage: ScaleStage, service: RunningService, seconds: Seconds) {
  const { ids, simulator } = stage;
  let next = 0;
  // In the middle of its share, where no rounding leads to the one before.
  const inTurn = () => ((next++ % ids.length) + 0.5) / ids.length;
  const load = checkLoad(service.clients, { ids, perSecond: PER_SECOND, maxAgeMs: MAX_AGE_MS, random: inTurn });
  await wait(1000 * Math.max(seconds.warmUp, ids.length / PER_SECOND));
  load.take();
  const before = callsIn(await simulator.usage());
  const probe = probeLongest(service);
  let rss = 0;
  const cpu = await cpuPercent(service, async () => {
    for (let second = 0; second < seconds.load; second++) {
      await wait(1000);
      rss = Math.max(rss, rssMiB(service));
    }
  });
  const longestMs = await probe.stop();
  await load.stop();
  return { tally: load.take(), calls: callsIn(await simulator.usage()) - before, cpu, rss, longestMs };
}

/** How long the longest answer takes of what is answered without any work: how long something else holds the process. */
function probeLongest({ http }: RunningService): { stop(): Promise<number> } {
  let longest = 0;
  let going = true;
  const probing = (async () => {
    while (going) {
      const from = performance.now();
      await (await fetch(`http://${http}/healthz`)).text();
      longest = Math.max(longest, performance.now() - from);
      await wait(PROBE_EVERY_MS);
    }
  })();
  return {
    async stop() {
      going = false;
      await probing;
      return longest;
    },
  };
}

/** Of one core, all threads together. */
async function cpuPercent({ pid }: RunningService, during: () => Promise<unknown>): Promise<number> {
  const { cpuMs } = usageOf(pid);
  const from = performance.now();
  await during();
  return (100 * (usageOf(pid).cpuMs - cpuMs)) / (performance.now() - from);
}

function rssMiB({ pid }: RunningService): number {
  return usageOf(pid).rssBytes / MIB;
}

/** What each further destination costs, by the smallest and the largest size. */
function growth(measured: readonly Measured[]): Figure[] {
  const [least, most] = [measured[0], measured.at(-1)];
  if (!least || !most || least === most) return [];
  const more = most.destinations - least.destinations;
  const figure = (name: string, value: number, unit: string): Figure => {
    return { scenario: SCENARIO, name: `growth from ${least.destinations} on: ${name}`, value, unit };
  };
  return [
    figure("RSS per destination", ((most.rssMiB - least.rssMiB) * 1024) / more, "KiB"),
    figure("start per 1,000 destinations", ((most.startMs - least.startMs) * 1000) / more, "ms"),
  ];
}
