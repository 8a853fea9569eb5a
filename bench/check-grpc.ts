import { type AnsweringStage, answeringStage, checkRequest } from "./answering-stage.ts";
import type { Figure } from "./figure.ts";
import { isInstalled } from "./machine.ts";
import { CONNECT, GRPC_GO, GRPC_JS, HTTP2, NAIVE, SERVICE, startGrpcGo, startPeer } from "./peer-programs.ts";
import type { Bench, Scenario } from "./scenario.ts";
import { byTurns, type Contender, type Rounds, rates, timesThat } from "./turns.ts";
import { grpcCalls, NO_H2LOAD } from "./unary.ts";

const NAME = "check-grpc";

/** Check on the gRPC port, answered from memory with telemetry on, beside servers that only answer. */
export const checkGrpc: Scenario = {
  name: NAME,
  async run(bench) {
    if (!isInstalled("h2load")) return goals(new Map()).map((figure) => ({ ...figure, note: NO_H2LOAD }));
    const sizes = bench.short
      ? { queues: 300, rounds: 1, ms: 500, warmUpMs: 200 }
      : { queues: 10_000, rounds: 7, ms: 3000, warmUpMs: 8000 };
    const stage = await answeringStage(bench, sizes.queues);
    const rounds = await byTurns(bench, await contenders(bench, stage), { what: NAME, ...sizes });
    await exported(bench, stage);
    return [...goals(rounds), ...rates(NAME, "/s", rounds)];
  },
};

function goals(rounds: Rounds): Figure[] {
  return [
    {
      scenario: NAME,
      name: "CPU of a Check over bare grpc-js's",
      ...timesThat(rounds, [SERVICE, GRPC_JS], "cpu"),
      unit: "x",
      goal: { atMost: 1.3 },
    },
    {
      scenario: NAME,
      name: "rate over bare connect-node's",
      ...timesThat(rounds, [SERVICE, CONNECT], "perSecond"),
      unit: "x",
      goal: { atLeast: 3.5 },
    },
  ];
}

async function contenders(bench: Bench, { ids, answer, ...stage }: AnsweringStage): Promise<Contender[]> {
  const request = checkRequest(ids[0]!);
  const asked = { request, answerBytes: answer.length };
  const service = { address: stage.addresses.grpc, usage: stage.usage };
  const all = [grpcCalls(SERVICE, service, asked)];
  for (const name of [GRPC_JS, CONNECT, HTTP2] as const) {
    const peer = await startPeer(bench, name, answer);
    all.push(grpcCalls(name, { address: peer.ready.address, usage: peer.usage }, asked));
  }
  const go = await startGrpcGo(bench, answer);
  if (go) all.push(grpcCalls(GRPC_GO, { address: go.ready.address, usage: go.usage }, asked));
  const naive = await startPeer(bench, NAIVE, stage.origin);
  // Its answer is shorter: it has neither counts nor times.
  all.push(grpcCalls(NAIVE, { address: naive.ready.address, usage: naive.usage }, { request, answerBytes: 1 }));
  return all;
}

/** Without exports it would not have been measured what is meant; the short form ends before the first. */
async function exported(bench: Bench, stage: AnsweringStage): Promise<void> {
  const { "/v1/traces": traces = 0, "/v1/metrics": metrics = 0 } = await stage.exports();
  bench.say(`${NAME}: ${traces} exports of traces, ${metrics} of metrics`);
  if (!bench.short && (traces === 0 || metrics === 0)) {
    throw new Error("Cannot measure with telemetry: none was exported");
  }
}
