import { setTimeout as wait } from "node:timers/promises";
import { answeringStage } from "./answering-stage.ts";
import type { Figure } from "./figure.ts";
import { CONNECT, GRPC_JS, HTTP2, SERVICE, startPeer } from "./peer-programs.ts";
import type { ProcessUsage } from "./process-usage.ts";
import type { Bench } from "./scenario.ts";
import { startWatchers } from "./watchers.ts";

const KB = 1000;
const MIB = 1024 * 1024;

/** What a stream takes of a server's memory while nothing happens, beside bare servers. */
export async function memory(bench: Bench): Promise<Figure[]> {
  const sizes = bench.short
    ? { streams: 200, earlier: 20, connections: 2, settleMs: 200 }
    : { streams: 5000, earlier: 1000, connections: 10, settleMs: 10_000 };
  const stage = await answeringStage(bench, 1);
  const { ids, answer, addresses, usage } = stage;
  const servers = [{ name: SERVICE as string, address: addresses.grpc, usage, first: 1 }];
  for (const name of [GRPC_JS, CONNECT, HTTP2] as const) {
    const peer = await startPeer(bench, name, answer);
    servers.push({ name, address: peer.ready.address, usage: peer.usage, first: 0 });
  }
  const figures: Figure[] = [];
  for (const { name, address, usage, first } of servers) {
    // What the first streams load and compile, and the room in which objects are made, is nobody's stream.
    const earlier = await startWatchers(bench, address, ids);
    await earlier.open({ streams: sizes.earlier, connections: sizes.connections });
    await earlier.until(first * sizes.earlier);
    await earlier.vanish();
    const watchers = await startWatchers(bench, address, ids);
    const before = await leastRss(usage, sizes.settleMs / 2);
    await watchers.open(sizes);
    await watchers.until(first * sizes.streams);
    const after = await leastRss(usage, sizes.settleMs);
    await watchers.vanish();
    bench.say(`watch-streams: ${sizes.streams} streams of ${name}`);
    figures.push({
      scenario: "watch-streams",
      name: `memory of an idle stream: ${name}`,
      value: (after - before) / sizes.streams / KB,
      unit: "KB",
      ...(name === SERVICE && { goal: { atMost: 25 } }),
      more: { streams: sizes.streams, "RSS before, MiB": before / MIB, "RSS with them, MiB": after / MIB },
    });
  }
  return figures;
}

const LOOKS = 10;

/** The least memory that was seen during a while: what is garbage goes in it, if it goes at all. */
async function leastRss(usage: () => ProcessUsage, ms: number): Promise<number> {
  let least = Number.POSITIVE_INFINITY;
  for (let look = 0; look < LOOKS; look++) {
    await wait(ms / LOOKS);
    least = Math.min(least, usage().rssBytes);
  }
  return least;
}
