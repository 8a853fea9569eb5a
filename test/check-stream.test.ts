import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import { Client, credentials } from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ReasonSchema } from "../gen/availability/v1/availability_pb.ts";
import {
  AvailabilityService,
  CheckStreamRequestSchema,
  type CheckStreamResponse,
  CheckStreamResponseSchema,
} from "../gen/availability/v1/availability_service_pb.ts";
import { type RunningService, startService } from "./support/service.ts";

const AN_HOUR = 3_600_000;
const PATH = `/${AvailabilityService.typeName}/CheckStream`;

let service: RunningService;
beforeAll(async () => {
  service = await startService({ simulator: { queues: 3 } });
  for (const [index, queueId] of service.simulator.world.queueIds.entries())
    await service.configure({ id: `queue-${index}`, queueId, maxAgeMs: AN_HOUR, timeoutMs: 60_000 });
  await service.check("queue-0");
  await service.check("queue-1");
});
afterAll(async () => {
  service.simulator.faults.release();
  await service.stop();
});

interface Stream {
  send(requestId: string, destinationId: string): void;
  halfClose(): void;
  /** Resolves with all answers when there are so many. */
  answers(count: number): Promise<readonly CheckStreamResponse[]>;
  /** The status's code when it has ended. */
  end(): Promise<number>;
  close(): void;
}

/** A stream of grpc-js, as a router's client would hold it. */
function open(address: string): Stream {
  const client = new Client(address, credentials.createInsecure());
  const stream = client.makeBidiStreamRequest(
    PATH,
    (request: Buffer) => request,
    (bytes: Buffer) => fromBinary(CheckStreamResponseSchema, bytes),
  );
  stream.on("error", () => {});
  const answers: CheckStreamResponse[] = [];
  let look = () => {};
  stream.on("data", (answer) => {
    answers.push(answer);
    look();
  });
  const ended = new Promise<number>((resolve) => stream.once("status", ({ code }) => resolve(code)));
  return {
    send(requestId, destinationId) {
      const request = create(CheckStreamRequestSchema, { requestId, check: { destinationId } });
      stream.write(Buffer.from(toBinary(CheckStreamRequestSchema, request)));
    },
    halfClose: () => stream.end(),
    answers: (count) =>
      new Promise((resolve) => {
        look = () => {
          if (answers.length >= count) resolve(answers);
        };
        look();
      }),
    end: () => ended,
    close() {
      stream.cancel();
      client.close();
    },
  };
}

/** Client-side names of outcomes. */
function said({ outcome }: CheckStreamResponse): string {
  if (outcome.case === "error") return Code[outcome.value.code]!;
  return ReasonSchema.value[outcome.value!.availability!.reason]!.localName;
}

describe.each(["grpc", "http"] as const)("CheckStream() on the %s port", (port) => {
  test("answers 10,000 checks, each exactly once, and ends OK after the half-close", async () => {
    const stream = open(service[port]);
    const count = 10_000;
    for (let i = 0; i < count; i++) stream.send(`${i}`, i % 10 === 9 ? `nobody-${i}` : `queue-${i % 2}`);
    stream.halfClose();
    const answers = await stream.answers(count);
    expect(await stream.end()).toBe(0);
    expect(answers).toHaveLength(count);
    expect(new Set(answers.map(({ requestId }) => requestId)).size).toBe(count);
    for (const answer of answers) {
      const expected = Number(answer.requestId) % 10 === 9 ? "NotFound" : "CRITERIA_MET";
      if (said(answer) !== expected) throw new Error(`Cannot expect ${said(answer)} for ${answer.requestId}`);
    }
    stream.close();
  });

  test("answers in the order in which answers are known: one that hangs holds nobody up", async () => {
    const queueId = service.simulator.world.queueIds[2]!;
    const id = `stuck-${port}`;
    service.simulator.faults.add({ kind: "hang", queueId });
    // A token of its own, so that what the other port's test read is not known here.
    service.simulator.tokens.add(id);
    await service.configure({ id, queueId, token: id, maxAgeMs: AN_HOUR, timeoutMs: 60_000 });
    const stream = open(service[port]);
    stream.send("first", id);
    await expect.poll(() => service.simulator.faults.hanging, { interval: 5 }).toBe(1);
    stream.send("first", "queue-0");
    for (let i = 0; i < 1000; i++) stream.send(`${i}`, "queue-0");
    const before = await stream.answers(1001);
    // The second of a name in flight has its own error, and the first is answered in its time.
    expect(before.filter(({ requestId }) => requestId === "first").map(said)).toEqual(["InvalidArgument"]);
    expect(before.filter((answer) => said(answer) === "CRITERIA_MET")).toHaveLength(1000);
    stream.halfClose();
    service.simulator.faults.release();
    const all = await stream.answers(1002);
    expect(all.at(-1)).toMatchObject({ requestId: "first", outcome: { case: "response" } });
    expect(await stream.end()).toBe(0);
    stream.close();
  });

  test("refuses what is over the bound, and no more than that", async () => {
    const queueId = service.simulator.world.queueIds[2]!;
    const id = `bound-${port}`;
    service.simulator.faults.add({ kind: "hang", queueId });
    service.simulator.tokens.add(id);
    await service.configure({ id, queueId, token: id, maxAgeMs: AN_HOUR, timeoutMs: 60_000 });
    const stream = open(service[port]);
    for (let i = 0; i < 1030; i++) stream.send(`${i}`, id);
    expect((await stream.answers(6)).map(said)).toEqual(Array(6).fill("ResourceExhausted"));
    service.simulator.faults.release();
    const all = await stream.answers(1030);
    expect(all.filter((answer) => said(answer) === "CRITERIA_MET")).toHaveLength(1024);
    expect(service.simulator.requests.filter((request) => request.queueId === queueId).length).toBeLessThanOrEqual(4);
    stream.send("after", "queue-0");
    stream.halfClose();
    expect(said((await stream.answers(1031)).at(-1)!)).toBe("CRITERIA_MET");
    expect(await stream.end()).toBe(0);
    stream.close();
  });
});

test("CheckStream() is served over Connect too, and refuses explain for the item alone", async () => {
  async function* requests() {
    yield { requestId: "a", check: { destinationId: "queue-0" } };
    yield { requestId: "b", check: { destinationId: "queue-0", explain: true } };
    yield { requestId: "", check: { destinationId: "queue-0" } };
  }
  const answers: Record<string, string> = {};
  for await (const answer of service.by("Connect over h2c").availability.checkStream(requests())) {
    answers[answer.requestId] = said(answer);
  }
  expect(answers).toEqual({ "": "InvalidArgument", a: "CRITERIA_MET", b: "InvalidArgument" });
});
