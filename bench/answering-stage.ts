import { setTimeout as wait } from "node:timers/promises";
import { toBinary, toJson } from "@bufbuild/protobuf";
import { Client, credentials } from "@grpc/grpc-js";
import { Verdict } from "../gen/availability/v1/availability_pb.ts";
import {
  type BatchCheckResult,
  BatchCheckResultSchema,
  CheckRequestSchema,
} from "../gen/availability/v1/availability_service_pb.ts";
import type { Bench } from "./scenario.ts";
import type { Stage } from "./stage.ts";

/** A stage on which everything has been read, so that every Check is answered from memory. */
export interface AnsweringStage extends Stage {
  readonly ids: readonly string[];
  /** A CheckResponse as the service gives it: what peers answer with. */
  readonly answer: Buffer;
  /** How often telemetry was exported, by path. */
  exports(): Promise<Record<string, number>>;
}

const MAX_AGE_SECONDS = 3600;
// What it takes to decide what to read next rises with the questions of a connection; that is not what is measured here.
const QUEUES_OF_A_CONNECTION = 200;
const BATCH = 500;
const PAUSE_MS = 50;
const PATIENCE_MS = 120_000;
export const CHECK = "/availability.v1.AvailabilityService/Check";

/** Starts a stage of so many queues with a destination each, reads all, and exports telemetry to a collector that only counts. */
export async function answeringStage(bench: Bench, queues: number): Promise<AnsweringStage> {
  const collector = await bench.program<{ address: string }>({
    name: "collector",
    program: `${import.meta.dirname}/collector.ts`,
    side: "load",
  });
  const stage = await bench.stage({
    queues,
    agents: queues,
    connections: Math.ceil(queues / QUEUES_OF_A_CONNECTION),
    polling: true,
    ampleLimits: true,
    pinned: true,
    serviceEnv: {
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://${collector.ready.address}`,
      OTEL_TRACES_SAMPLER: "parentbased_traceidratio",
      OTEL_TRACES_SAMPLER_ARG: "0.01",
      OTEL_METRIC_EXPORT_INTERVAL: "5000",
    },
  });
  const ids = await stage.configure("queue", MAX_AGE_SECONDS);
  await decided(stage, ids);
  bench.say(`${queues} destinations are known`);
  const answer = await rawCheck(stage.addresses.grpc, ids[0]!);
  return { ...stage, ids, answer, exports: () => collector.ask({}) };
}

/** Asks until everything is decided. */
async function decided(stage: Stage, ids: readonly string[]): Promise<void> {
  const { availability } = stage.by("grpc-js on the gRPC port");
  let end = Date.now() + PATIENCE_MS;
  for (let next = 0; next < ids.length; ) {
    const checks = ids.slice(next, next + BATCH).map((destinationId) => ({ destinationId }));
    const { results } = await availability.batchCheck({ checks });
    const undecided = results.find(
      ({ outcome }) => outcome.case !== "response" || outcome.value.availability?.verdict === Verdict.UNDECIDED,
    );
    if (!undecided) {
      next += BATCH;
      end = Date.now() + PATIENCE_MS;
    } else if (Date.now() > end) throw new Error(`Cannot begin: not decided: ${shown(undecided)}`);
    else await wait(PAUSE_MS);
  }
}

function shown(result: BatchCheckResult): string {
  return JSON.stringify(toJson(BatchCheckResultSchema, result));
}

/** The body of a Check: what asks about one destination. */
export function checkRequest(destinationId: string): Uint8Array {
  return toBinary(CheckRequestSchema, {
    $typeName: CheckRequestSchema.typeName,
    destinationId,
    tags: {},
    explain: false,
  });
}

/** The bytes of a Check's answer as they come. */
async function rawCheck(address: string, destinationId: string): Promise<Buffer> {
  const client = new Client(address, credentials.createInsecure());
  const same = (bytes: Buffer) => bytes;
  try {
    return await new Promise((resolve, reject) => {
      client.makeUnaryRequest(CHECK, same, same, Buffer.from(checkRequest(destinationId)), (error, answer) => {
        if (answer) resolve(answer);
        else reject(error);
      });
    });
  } finally {
    client.close();
  }
}
