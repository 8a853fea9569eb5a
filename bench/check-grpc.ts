import { type AnsweringStage, answeringStage, CHECK, checkRequest } from "./answering-stage.ts";
import type { Figure } from "./figure.ts";
import { framed } from "./frames.ts";
import { buildGrpcGo } from "./grpc-go.ts";
import { h2load } from "./h2load.ts";
import { isInstalled } from "./machine.ts";
import type { ProcessUsage } from "./process-usage.ts";
import type { Bench, Scenario } from "./scenario.ts";
import { byTurns, type Contender, rates, timesThat } from "./turns.ts";

const NAME = "check-grpc";
const SERVICE = "the service";
const GRPC_JS = "bare grpc-js";
const CONNECT = "bare connect-node";

/** Check on the gRPC port, answered from memory, beside servers that only answer. */
export const checkGrpc: Scenario = {
  name: NAME,
  async run(bench) {
    const goals = (rounds: Parameters<typeof timesThat>[0], note?: string): Figure[] => [
      {
        scenario: NAME,
        name: "CPU of a Check over bare grpc-js's",
        ...timesThat(rounds, [SERVICE, GRPC_JS], "cpu"),
        unit: "x",
        goal: { atMost: 1.3 },
        ...(note && { note }),
      },
      {
        scenario: NAME,
        name: "rate over bare connect-node's",
        ...timesThat(rounds, [SERVICE, CONNECT], "perSecond"),
        unit: "x",
        goal: { atLeast: 3.5 },
        ...(note && { note }),
      },
    ];
    if (!isInstalled("h2load")) return goals(new Map(), "h2load is not installed (Debian's nghttp2-client)");
    const sizes = bench.short
      ? { queues: 300, rounds: 1, ms: 500, warmUpMs: 200 }
      : { queues: 10_000, rounds: 7, ms: 3000, warmUpMs: 2000 };
    const stage = await answeringStage(bench, sizes.queues);
    const rounds = await byTurns(bench, await contenders(bench, stage), { what: NAME, ...sizes });
    await exported(bench, stage);
    return [...goals(rounds), ...rates(NAME, "/s", rounds)];
  },
};

/** Without exports it would not have been measured what is meant; the short form ends before the first. */
async function exported(bench: Bench, stage: AnsweringStage): Promise<void> {
  const { "/v1/traces": traces = 0, "/v1/metrics": metrics = 0 } = await stage.exports();
  bench.say(`${NAME}: ${traces} exports of traces, ${metrics} of metrics`);
  if (!bench.short && (traces === 0 || metrics === 0))
    throw new Error("Cannot measure with telemetry: none was exported");
}

async function contenders(bench: Bench, stage: AnsweringStage): Promise<Contender[]> {
  const { ids, answer, addresses } = stage;
  const folder = `${import.meta.dirname}/peers`;
  const given = answer.toString("base64");
  const peers = [
    { name: GRPC_JS, program: `${folder}/grpc-js.ts`, args: [given] },
    { name: CONNECT, program: `${folder}/connect-node.ts`, args: [given] },
    { name: "bare node:http2", program: `${folder}/http2.ts`, args: [given] },
    { name: "naive", program: `${folder}/naive.ts`, args: [stage.origin] },
  ];
  const go = await buildGrpcGo(bench.ends);
  if (go) peers.push({ name: "bare grpc-go", program: go, args: [given] });
  const request = framed(checkRequest(ids[0]!));
  const contender = (name: string, address: string, usage: () => ProcessUsage, answerBytes: number): Contender => ({
    name,
    usage,
    ask: (ms) =>
      h2load({
        address,
        path: CHECK,
        headers: { "content-type": "application/grpc", te: "trailers" },
        body: request,
        answerBytes,
        ms,
      }),
  });
  const all = [contender(SERVICE, addresses.grpc, stage.usage, framed(answer).length)];
  for (const { name, program, args } of peers) {
    const env = { GOMAXPROCS: "1" };
    const peer = await bench.program<{ address: string }>({ name, program, args, env, side: "server" });
    // The naive answer is shorter, which has no counts and no times.
    all.push(contender(name, peer.ready.address, peer.usage, name === "naive" ? 1 : framed(answer).length));
  }
  return all;
}
