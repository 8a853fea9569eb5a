import { setTimeout as wait } from "node:timers/promises";
import { answeringStage } from "./answering-stage.ts";
import type { Figure } from "./figure.ts";
import type { Bench } from "./scenario.ts";
import { median, overRounds, quantile } from "./statistics.ts";
import { changer, startWatchers, type Watchers } from "./watchers.ts";

const SCENARIO = "watch-streams";
const MIB = 1024 * 1024;
const LEFT_WITHIN_MS = 60_000;

/** Whether readers who do not read delay the others, what they take, and what is left of them when they are gone. */
export async function stalled(bench: Bench): Promise<Figure[]> {
  const sizes = bench.short
    ? { readers: 10, stalled: 5, rounds: 1, changes: 10, further: 50 }
    : { readers: 100, stalled: 100, rounds: 3, changes: 100, further: 900 };
  const stage = await answeringStage(bench, 1);
  const { ids, addresses, usage } = stage;
  const change = changer(stage, ids[0]!);
  const readers = await startWatchers(bench, addresses.grpc, ids);
  await readers.open({ streams: sizes.readers, connections: 2 });
  let came = sizes.readers;
  await readers.until(came);

  /** Changes one by one; resolves to how long each took to reach every reader, in milliseconds. */
  async function delays(of: Watchers, changes: number): Promise<number[]> {
    const taken: number[] = [];
    while (taken.length < changes) {
      const changedAt = Number(process.hrtime.bigint()) / 1e6;
      came += sizes.readers;
      const reached = of.until(came);
      await change();
      taken.push((await reached) - changedAt);
    }
    return taken;
  }

  /** How much memory the service takes on by so many changes, in MiB. */
  async function growthBy(changes: number): Promise<number> {
    const before = usage().rssBytes;
    await delays(readers, changes);
    return (usage().rssBytes - before) / MIB;
  }

  await delays(readers, sizes.changes);
  const watchersBefore = await watching(addresses.http);
  const rssBefore = usage().rssBytes;
  const [without, beside]: [number[][], number[][]] = [[], []];
  const [usual, growth]: [number[], number[]] = [[], []];
  const left: number[] = [];
  const behindThem = await startWatchers(bench, addresses.grpc, ids);
  for (let round = 1; round <= sizes.rounds; round++) {
    without.push(await delays(readers, sizes.changes));
    usual.push(await growthBy(sizes.further));
    await behindThem.open({ streams: sizes.stalled, connections: 1, stalled: true });
    if ((await watching(addresses.http)) < watchersBefore + sizes.stalled) {
      throw new Error("Cannot measure stalled readers: the service does not count them");
    }
    // Until their windows are full, and on.
    await delays(readers, sizes.further);
    beside.push(await delays(readers, sizes.changes));
    growth.push(await growthBy(sizes.further));
    await behindThem.vanish();
    left.push(await leftBehind(addresses.http, watchersBefore));
    bench.say(`${SCENARIO}, stalled readers, round ${round} of ${sizes.rounds}`);
  }
  const changes = sizes.rounds * sizes.changes;
  const latency = (name: string, of: readonly number[][]): Figure => ({
    scenario: SCENARIO,
    name,
    ...overRounds(of.map(median)),
    unit: "ms",
    more: { "p99 ms": quantile(of.flat(), 0.99), changes, readers: sizes.readers },
  });
  return [
    latency("a change to every reader", without),
    latency("a change to every reader, beside stalled ones", beside),
    {
      scenario: SCENARIO,
      name: `memory taken on by ${sizes.further} changes beside stalled readers`,
      ...overRounds(growth),
      unit: "MiB",
      more: { "without them, MiB": median(usual), "stalled readers": sizes.stalled },
      note: "what the history holds of the changes included",
    },
    {
      scenario: SCENARIO,
      name: "watchers left of readers who vanished",
      value: Math.max(...left),
      unit: "",
      goal: { atMost: 0 },
      more: { vanished: sizes.rounds * sizes.stalled, "RSS over before, MiB": (usage().rssBytes - rssBefore) / MIB },
      note: `with the history of ${came / sizes.readers} changes`,
    },
  ];
}

/** How many watchers are over those that were before, as soon as it is none, or when they have had their time. */
async function leftBehind(address: string, before: number): Promise<number> {
  const end = Date.now() + LEFT_WITHIN_MS;
  for (;;) {
    const left = (await watching(address)) - before;
    if (left <= 0 || Date.now() > end) return left;
    await wait(100);
  }
}

/** The gauge of Watch streams, as the service's own metrics have it. */
async function watching(address: string): Promise<number> {
  const text = await (await fetch(`http://${address}/metrics`)).text();
  const [, value] = /^availability_watchers(?:\{[^}]*\})? (\d+)/m.exec(text) ?? [];
  if (value === undefined) throw new Error("Cannot count watchers: /metrics has no availability_watchers");
  return Number(value);
}
