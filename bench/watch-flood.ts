import { setTimeout as wait } from "node:timers/promises";
import { answeringStage } from "./answering-stage.ts";
import type { Figure } from "./figure.ts";
import type { Bench } from "./scenario.ts";
import { changer, startWatchers, type Watchers } from "./watchers.ts";

const SCENARIO = "watch-streams";
const PER_SECOND = 50;
const QUIET_MS = 1000;
const PATIENCE_MS = 60_000;

/** More changes than can be sent to everybody: whether everybody has the newest in the end. */
export async function flood(bench: Bench): Promise<Figure[]> {
  const sizes = bench.short
    ? { streams: 400, connections: 4, seconds: 1 }
    : { streams: 10_000, connections: 20, seconds: 10 };
  const stage = await answeringStage(bench, 1);
  const { ids, addresses } = stage;
  const change = changer(stage, ids[0]!);
  const watchers = await startWatchers(bench, addresses.grpc, ids);
  await watchers.open(sizes);
  await watchers.until(sizes.streams);
  bench.say(`${SCENARIO}: a flood to ${sizes.streams} streams`);
  const start = performance.now();
  const changes: Promise<void>[] = [];
  while (changes.length < sizes.seconds * PER_SECOND) {
    changes.push(change());
    const due = (changes.length * 1000) / PER_SECOND;
    await wait(Math.max(0, due - (performance.now() - start)));
  }
  await Promise.all(changes);
  const changedAt = performance.now();
  const came = await quiet(watchers);
  const { availability } = await stage.by("grpc-js on the gRPC port").availability.check({ destinationId: ids[0]! });
  const delivered = came.availabilities - sizes.streams;
  return [
    {
      scenario: SCENARIO,
      name: "readers without the newest state after a flood",
      value: await watchers.behind(availability!.version),
      unit: "",
      goal: { atMost: 0 },
      more: {
        streams: sizes.streams,
        changes: changes.length,
        "of all states sent, %": (100 * delivered) / (changes.length * sizes.streams),
        "s until all was quiet": (came.at - changedAt) / 1000,
      },
    },
  ];
}

/** Waits until nothing comes any more; resolves to how much came, and when the last did, about. */
async function quiet(watchers: Watchers): Promise<{ availabilities: number; at: number }> {
  let [availabilities, at] = [await watchers.count(), performance.now()];
  const end = at + PATIENCE_MS;
  while (performance.now() - at < QUIET_MS && performance.now() < end) {
    await wait(50);
    const now = await watchers.count();
    if (now > availabilities) at = performance.now();
    availabilities = now;
  }
  return { availabilities, at };
}
