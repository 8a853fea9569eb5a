import { join } from "node:path";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { createRouterTransport } from "@connectrpc/connect";
import type { AvailabilityClient, createAvailabilityClient } from "../client/src/availability-client.ts";
import { Verdict } from "../gen/availability/v1/availability_pb.ts";
import { AvailabilityService } from "../gen/availability/v1/availability_service_pb.ts";
import { root, run } from "../tools/programs.ts";
import type { Figure } from "./figure.ts";
import type { Scenario } from "./scenario.ts";
import { median, overRounds, randomFrom } from "./statistics.ts";

const DESTINATIONS = 10_000;
const GOAL = { atLeast: 1_000_000 };
const IDS = Array.from({ length: DESTINATIONS }, (_, index) => `destination-${index}`);

/** Checks that the built client answers from memory in a second, on one core. */
export const localAnswers: Scenario = {
  name: "local-answers",
  async run(bench) {
    const { rounds, checks } = bench.short ? { rounds: 2, checks: 500_000 } : { rounds: 9, checks: 2_000_000 };
    const client = await start();
    const asked = randomIds(1 << 16);
    const rates = { plain: [] as Rates[], awaited: [] as Rates[] };
    // By turns, and the first of each is not counted: it is compiled in that.
    for (let round = 0; round <= rounds; round++) {
      const plain = await perSecond(checks, () => plainChecks(client, asked, checks));
      const awaited = await perSecond(checks, () => awaitedChecks(client, asked, checks));
      if (round > 0) rates.plain.push(plain);
      if (round > 0) rates.awaited.push(awaited);
      bench.say(`local-answers, round ${round} of ${rounds}`);
    }
    client.close();
    return [
      figure("checks a second of one core", rates.plain, checks),
      figure("checks a second of one core, each awaited", rates.awaited, checks),
    ];
  },
};

/** The built client, as it is published, with a Watch of 10,000 destinations in this process. */
async function start(): Promise<AvailabilityClient> {
  const { ok, output } = await run("tsc", ["-p", "client"]);
  if (!ok) throw new Error(`Cannot build the client: ${output}`);
  const built = await import(join(root, "client/dist/client/src/availability-client.js"));
  const create = built.createAvailabilityClient as typeof createAvailabilityClient;
  const transport = createRouterTransport(({ service }) => service(AvailabilityService, { watch: tenThousand }));
  const client = create({ transport, heartbeatIntervalMs: 60_000 });
  await client.ready;
  return client;
}

async function* tenThousand(_: unknown, { signal }: { signal: AbortSignal }) {
  const observed = { observedAt: timestampFromMs(Date.now()), validUntil: timestampFromMs(Date.now() + 3_600_000) };
  for (const destinationId of IDS) {
    const state = { destinationId, accepted: true, verdict: Verdict.ACCEPTED, version: 1n, ...observed };
    yield { event: { case: "availability" as const, value: state } };
  }
  const synced = { serverTime: timestampFromMs(Date.now()) };
  yield { event: { case: "synced" as const, value: synced }, resumeToken: "bench.1" };
  await new Promise((resolve) => signal.addEventListener("abort", resolve));
}

/** Ids in random order, the same in every run. */
function randomIds(count: number): string[] {
  const random = randomFrom(count);
  return Array.from({ length: count }, () => IDS[Math.floor(random() * DESTINATIONS)]!);
}

function plainChecks(client: AvailabilityClient, asked: readonly string[], checks: number): number {
  let accepted = 0;
  for (let check = 0; check < checks; check++) {
    const answer = client.check(asked[check % asked.length]!, { maxAgeMs: 600_000 });
    if (!(answer instanceof Promise) && answer.accepted) accepted++;
  }
  return accepted;
}

async function awaitedChecks(client: AvailabilityClient, asked: readonly string[], checks: number): Promise<number> {
  let accepted = 0;
  for (let check = 0; check < checks; check++) {
    const answer = await client.check(asked[check % asked.length]!, { maxAgeMs: 600_000 });
    if (answer.accepted) accepted++;
  }
  return accepted;
}

/** Checks per second of processor time, which other programs on the machine do not take, and per second as it passes. */
interface Rates {
  readonly cpu: number;
  readonly wall: number;
}

async function perSecond(checks: number, ask: () => number | Promise<number>): Promise<Rates> {
  const start = performance.now();
  const before = process.cpuUsage();
  const accepted = await ask();
  const { user, system } = process.cpuUsage(before);
  const ms = performance.now() - start;
  if (accepted !== checks)
    throw new Error(`Cannot count checks: ${checks - accepted} of ${checks} were not from memory`);
  return { cpu: (checks / (user + system)) * 1e6, wall: (checks / ms) * 1000 };
}

function figure(name: string, rates: readonly Rates[], checks: number): Figure {
  const { value, spread } = overRounds(rates.map(({ cpu }) => cpu));
  return {
    scenario: localAnswers.name,
    name: `${DESTINATIONS.toLocaleString("en")} destinations: ${name}`,
    value,
    unit: "",
    spread,
    goal: GOAL,
    more: {
      "ns a check": 1e9 / value,
      "a second as it passes": median(rates.map(({ wall }) => wall)),
      "checks a round": checks,
    },
  };
}
