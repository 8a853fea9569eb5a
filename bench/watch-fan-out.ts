import { answeringStage } from "./answering-stage.ts";
import type { Figure } from "./figure.ts";
import { CONNECT, GRPC_JS, HTTP2, SERVICE, startPeer } from "./peer-programs.ts";
import type { ProcessUsage } from "./process-usage.ts";
import type { Scenario } from "./scenario.ts";
import { byTurns, type Contender, rates, timesThat } from "./turns.ts";
import { changer, startWatchers, type Watchers } from "./watchers.ts";

const NAME = "watch-fan-out";

/** One change to thousands of readers, beside servers that write the same bytes to as many streams. */
export const watchFanOut: Scenario = {
  name: NAME,
  async run(bench) {
    const sizes = bench.short
      ? { streams: 200, connections: 2, rounds: 1, ms: 300, warmUpMs: 100 }
      : { streams: 5000, connections: 10, rounds: 7, ms: 3000, warmUpMs: 2000 };
    const stage = await answeringStage(bench, 1);
    const { ids, answer } = stage;
    const change = changer(stage, ids[0]!);
    const watchers = await startWatchers(bench, stage.addresses.grpc, ids);
    await watchers.open(sizes);
    await watchers.until(sizes.streams);
    await change();
    await watchers.until(2 * sizes.streams);
    const message = (await watchers.last()).toString("base64");

    const service = { name: SERVICE, usage: stage.usage };
    const contenders = [fanOut(service, { watchers, change, streams: sizes.streams, came: 2 * sizes.streams })];
    for (const name of [GRPC_JS, CONNECT, HTTP2] as const) {
      const peer = await startPeer(bench, name, answer);
      const watchers = await startWatchers(bench, peer.ready.address, ids);
      await watchers.open(sizes);
      const change = () => peer.ask<void>({ message });
      contenders.push(fanOut({ name, usage: peer.usage }, { watchers, change, streams: sizes.streams, came: 0 }));
      bench.say(`${NAME}: ${sizes.streams} streams of ${name}`);
    }
    const rounds = await byTurns(bench, contenders, { what: NAME, ...sizes });
    const goal: Figure = {
      scenario: NAME,
      name: "CPU of a message over bare grpc-js's",
      ...timesThat(rounds, [SERVICE, GRPC_JS], "cpu"),
      unit: "x",
      goal: { atMost: 1.3 },
      more: { streams: sizes.streams, "bytes of a message": Buffer.from(message, "base64").length },
    };
    return [goal, ...rates(NAME, "messages/s", rounds)];
  },
};

/** Changes, and waits until everybody has it, over and over. */
function fanOut(
  { name, usage }: { name: string; usage: () => ProcessUsage },
  of: { watchers: Watchers; change: () => Promise<void>; streams: number; came: number },
): Contender {
  const { watchers, change, streams } = of;
  let { came } = of;
  return {
    name,
    usage,
    async ask(ms) {
      const [start, before] = [performance.now(), came];
      while (performance.now() - start < ms) {
        await change();
        came += streams;
        await watchers.until(came);
      }
      const answered = came - before;
      return { answered, perSecond: (answered * 1000) / (performance.now() - start) };
    },
  };
}
