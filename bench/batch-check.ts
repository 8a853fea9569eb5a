import { toBinary } from "@bufbuild/protobuf";
import { BatchCheckRequestSchema, CheckRequestSchema } from "../gen/availability/v1/availability_service_pb.ts";
import { answeringStage, checkRequest } from "./answering-stage.ts";
import type { Figure } from "./figure.ts";
import { isInstalled } from "./machine.ts";
import type { Scenario } from "./scenario.ts";
import { byTurns, type Contender, type Rounds, rates, timesThat } from "./turns.ts";
import { grpcCalls, NO_H2LOAD } from "./unary.ts";

const NAME = "batch-check";
const CHECKS = 100;
const BATCH = `BatchCheck of ${CHECKS}`;
const SINGLE = "Check";
// The sentences of answers are not all of one length.
const SHORTER = 0.8;

/** A hundred destinations in one call, beside as many calls: both of the service, on the gRPC port. */
export const batchCheck: Scenario = {
  name: NAME,
  async run(bench) {
    if (!isInstalled("h2load")) return [{ ...goal(new Map()), note: NO_H2LOAD }];
    const sizes = bench.short ? { rounds: 1, ms: 500, warmUpMs: 200 } : { rounds: 7, ms: 3000, warmUpMs: 5000 };
    const { ids, answer, addresses, usage } = await answeringStage(bench, CHECKS);
    const service = { address: addresses.grpc, usage };
    const single = { request: checkRequest(ids[0]!), answerBytes: answer.length };
    const batch = {
      path: "/availability.v1.AvailabilityService/BatchCheck",
      request: batchRequest(ids),
      answerBytes: Math.floor(CHECKS * answer.length * SHORTER),
    };
    const contenders = [decisions(grpcCalls(BATCH, service, batch), CHECKS), grpcCalls(SINGLE, service, single)];
    const rounds = await byTurns(bench, contenders, { what: NAME, ...sizes });
    return [goal(rounds), ...rates(NAME, "decisions/s", rounds)];
  },
};

function goal(rounds: Rounds): Figure {
  return {
    scenario: NAME,
    name: `decisions of a ${BATCH} over those of Checks`,
    ...timesThat(rounds, [BATCH, SINGLE], "perSecond"),
    unit: "x",
    goal: { atLeast: 10 },
  };
}

/** Counts what is decided in place of what is called. */
function decisions(contender: Contender, each: number): Contender {
  return {
    ...contender,
    async ask(ms) {
      const { perSecond, answered } = await contender.ask(ms);
      return { perSecond: perSecond * each, answered: answered * each };
    },
  };
}

function batchRequest(ids: readonly string[]): Uint8Array {
  const $typeName = CheckRequestSchema.typeName;
  const checks = ids.map((destinationId) => ({ $typeName, destinationId, tags: {}, explain: false }));
  return toBinary(BatchCheckRequestSchema, { $typeName: BatchCheckRequestSchema.typeName, checks });
}
