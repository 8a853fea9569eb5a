import { setTimeout as wait } from "node:timers/promises";
import { Source } from "../gen/availability/v1/availability_pb.ts";
import type { Way as ClientWay } from "../test/support/clients.ts";
import { Arrivals } from "./arrivals.ts";
import { bareSocket } from "./bare-socket.ts";
import type { Figure } from "./figure.ts";
import type { Bench, Scenario } from "./scenario.ts";
import { median, overRounds, quantile, randomFrom } from "./statistics.ts";

const WATCHES = {
  "Watch over gRPC": "grpc-js on the gRPC port",
  "Watch over Connect": "Connect over HTTP/1.1",
} as const satisfies Record<string, ClientWay>;
const BARE = "bare WebSocket";
type Way = typeof BARE | keyof typeof WATCHES;
const WAYS: readonly Way[] = [BARE, "Watch over gRPC", "Watch over Connect"];

const PATIENCE_MS = 10_000;
const WARM_UP_MS = 120_000;
const SPACE_MS = 20;
// Push keeps a queue current from its first read after the subscription on, which comes the sooner.
const MAX_AGE_SECONDS = 2;

/** From a change at RingCentral to a client that watches, beside what the simulator's own socket takes for it. */
export const newsLatency: Scenario = {
  name: "news-latency",
  async run(bench) {
    const { sizes, rounds, changes } = bench.short
      ? { sizes: [1, 30], rounds: 2, changes: 20 }
      : { sizes: [1, 30, 400], rounds: 7, changes: 100 };
    const subjects = [];
    for (const queues of sizes) subjects.push({ queues, rounds: [] as Sample[][], measure: await open(bench, queues) });
    // By turns, so that what else the machine does is spread over all of them.
    for (let round = 1; round <= rounds; round++) {
      for (const subject of subjects) subject.rounds.push(await subject.measure(changes));
      bench.say(`news-latency, round ${round} of ${rounds}`);
    }
    return subjects.flatMap(({ queues, rounds }) => WAYS.map((way) => figure(queues, way, rounds)));
  },
};

/** Milliseconds from the change to its news, by each way, of one and the same change. */
type Sample = Record<Way, number>;

async function open(bench: Bench, queues: number): Promise<(changes: number) => Promise<Sample[]>> {
  const stage = await bench.stage({ queues, agents: queues * 5, ampleLimits: true });
  const ids = await stage.configure("queue", MAX_AGE_SECONDS);
  const arrivals = new Arrivals(WAYS);
  await Promise.all(Object.entries(WATCHES).map(([way, by]) => watch(way as Way, by)));
  await bareSocket(stage, stage.queues, (queueId) => arrivals.came(BARE, queueId));
  const { queues: known } = await stage.simulator.state();
  const optedIn = new Map(known.map(({ id, members }) => [id, members[0]!.acceptCurrentQueueCalls]));
  const random = randomFrom(queues);

  /** Begins to watch; resolves when push keeps every queue current. */
  function watch(way: Way, by: ClientWay): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const current = new Set<string>();
    const late = setTimeout(() => {
      reject(new Error(`Cannot measure news: push keeps ${current.size} of ${queues} queues current`));
    }, WARM_UP_MS);
    const read = async () => {
      for await (const { event } of stage.by(by).availability.watch({ destinationIds: ids })) {
        if (event.case !== "availability") continue;
        const { destinationId, source } = event.value;
        if (source === Source.PUSH) current.add(destinationId);
        if (current.size === queues) {
          clearTimeout(late);
          resolve();
        }
        arrivals.came(way, destinationId.slice("queue-".length));
      }
    };
    read().catch(reject);
    return promise;
  }

  return async (changes) => {
    const samples: Sample[] = [];
    while (samples.length < changes) {
      const queueId = stage.queues[Math.floor(random() * queues)]!;
      const acceptCurrentQueueCalls = !optedIn.get(queueId);
      optedIn.set(queueId, acceptCurrentQueueCalls);
      const arrived = arrivals.expect(queueId, PATIENCE_MS);
      const [changedAt, came] = await Promise.all([
        stage.simulator.change(queueId, 0, { acceptCurrentQueueCalls }),
        arrived,
      ]);
      samples.push(Object.fromEntries(WAYS.map((way) => [way, came[way] - changedAt])) as Sample);
      await wait(SPACE_MS);
    }
    return samples;
  };
}

function figure(queues: number, way: Way, rounds: readonly Sample[][]): Figure {
  const of = (way: Way) => rounds.flat().map((sample) => sample[way]);
  const { value, spread } = overRounds(rounds.map((samples) => median(samples.map((sample) => sample[way]))));
  return {
    scenario: newsLatency.name,
    name: `${queues === 1 ? "1 queue" : `${queues} queues`}: ${way}`,
    value,
    unit: "ms",
    spread,
    more: {
      "p99 ms": quantile(of(way), 0.99),
      changes: rounds.flat().length,
      ...(way !== BARE && { "times the bare socket's median": median(of(way)) / median(of(BARE)) }),
    },
  };
}
