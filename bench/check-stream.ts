import { join } from "node:path";
import { type AnsweringStage, answeringStage, checkRequest } from "./answering-stage.ts";
import type { Figure } from "./figure.ts";
import { isInstalled } from "./machine.ts";
import { CONNECT, GRPC_GO, GRPC_JS, HTTP2, SERVICE, startGrpcGo, startPeer } from "./peer-programs.ts";
import type { ProcessUsage } from "./process-usage.ts";
import type { Program } from "./program.ts";
import type { Bench, Scenario } from "./scenario.ts";
import { byTurns, type Contender, type Rounds, rates, timesThat } from "./turns.ts";
import { grpcCalls, NO_H2LOAD } from "./unary.ts";

const NAME = "check-stream";
// Below the 1,024 that the service allows.
const IN_FLIGHT = 1000;

/** Checks on one stream of the gRPC port, beside servers that only answer. */
export const checkStream: Scenario = {
  name: NAME,
  async run(bench) {
    const sizes = bench.short
      ? { queues: 300, rounds: 1, ms: 500, warmUpMs: 200 }
      : { queues: 2000, rounds: 7, ms: 3000, warmUpMs: 4000 };
    const stage = await answeringStage(bench, sizes.queues);
    const rounds = await byTurns(bench, await contenders(bench, stage), { what: NAME, ...sizes });
    return [...goals(rounds), ...rates(NAME, "checks/s", rounds)];
  },
};

function goals(rounds: Rounds): Figure[] {
  return [
    {
      scenario: NAME,
      name: "checks over bare grpc-js's, one write for each",
      ...timesThat(rounds, [SERVICE, GRPC_JS], "perSecond"),
      unit: "x",
      goal: { atLeast: 1.5 },
    },
    {
      scenario: NAME,
      name: "checks over bare grpc-go's unary calls",
      ...timesThat(rounds, [SERVICE, GRPC_GO], "perSecond"),
      unit: "x",
      // Where there is no Go there is no goal.
      ...(rounds.has(GRPC_GO) ? { goal: { atLeast: 1 } } : { note: noGo() }),
    },
  ];
}

function noGo(): string {
  return isInstalled("h2load") ? "Debian's packages for Go are not installed" : NO_H2LOAD;
}

async function contenders(bench: Bench, { ids, answer, ...stage }: AnsweringStage): Promise<Contender[]> {
  const program = join(import.meta.dirname, "loads/check-stream.ts");
  const load = await bench.program({ name: "load", program, side: "load" });
  const all = [onOneStream(SERVICE, { address: stage.addresses.grpc, usage: stage.usage }, { load, ids })];
  for (const name of [GRPC_JS, CONNECT, HTTP2] as const) {
    const peer = await startPeer(bench, name, answer);
    all.push(onOneStream(name, { address: peer.ready.address, usage: peer.usage }, { load, ids }));
  }
  const go = isInstalled("h2load") ? await startGrpcGo(bench, answer) : undefined;
  if (go) {
    const asked = { request: checkRequest(ids[0]!), answerBytes: answer.length };
    all.push(grpcCalls(GRPC_GO, { address: go.ready.address, usage: go.usage }, asked));
  }
  return all;
}

function onOneStream(
  name: string,
  { address, usage }: { address: string; usage: () => ProcessUsage },
  { load, ids }: { load: Program<object>; ids: readonly string[] },
): Contender {
  return { name, usage, ask: (ms) => load.ask({ address, ids, inFlight: IN_FLIGHT, ms }) };
}
