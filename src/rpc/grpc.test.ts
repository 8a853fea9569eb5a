import { EventEmitter, once } from "node:events";
import { create, createFileRegistry, fromBinary, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema, FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { Client, credentials, Metadata, type MethodDefinition, status } from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import { service as health } from "grpc-health-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  type CheckRequest,
  CheckRequestSchema,
  type CheckResponse,
  CheckResponseSchema,
  CheckStreamRequestSchema,
  CheckStreamResponseSchema,
  WatchResponseSchema,
} from "../../gen/availability/v1/availability_service_pb.ts";
import { StatusSchema } from "../../gen/google/rpc/status_pb.ts";
import { ServiceError } from "../lib/errors.ts";
import { echo, startBoth } from "./test-listeners.ts";

const seen = new EventEmitter();
let both: Awaited<ReturnType<typeof startBoth>>;
let client: Client;
const MESSAGE = 'Cannot check: ümlaut, "50 %" & more';
const METHOD = "/availability.v1.AvailabilityService";

beforeAll(async () => {
  both = await startBoth({
    check({ destinationId }) {
      if (destinationId === "no") throw new ServiceError("NOT_FOUND", MESSAGE);
      return { availability: { destinationId } };
    },
    // Looks at nothing: it must be left all the same.
    async *watch() {
      const big = "x".repeat(100_000);
      let sent = 0;
      try {
        for (;;) yield { resumeToken: `${++sent}${big}` };
      } finally {
        seen.emit("left", sent);
      }
    },
    async *checkStream(requests) {
      for await (const { requestId } of requests) yield echo(requestId);
    },
  });
  client = new Client(`127.0.0.1:${both.grpc.port}`, credentials.createInsecure());
});

afterAll(async () => {
  client.close();
  await both.stop();
});

const bytesOf = (request: CheckRequest) => Buffer.from(toBinary(CheckRequestSchema, request));
const tokenOf = (bytes: Buffer) => Number.parseInt(fromBinary(WatchResponseSchema, bytes).resumeToken, 10);
const answerOf = (bytes: Buffer) => fromBinary(CheckResponseSchema, bytes);

function check<Request>(
  request: Request,
  serialize: (request: Request) => Buffer,
  by = client,
): Promise<CheckResponse | undefined> {
  return new Promise((resolve, reject) => {
    const done = (error: Error | null, answer?: CheckResponse) => (error ? reject(error) : resolve(answer));
    by.makeUnaryRequest(`${METHOD}/Check`, serialize, answerOf, request, new Metadata(), done);
  });
}

test("listenGrpc() answers a bare grpc-js client", async () => {
  const answer = await check(create(CheckRequestSchema, { destinationId: "q" }), bytesOf);
  expect(answer?.availability?.destinationId).toBe("q");
});

test("listenGrpc() sends google.rpc.Status in grpc-status-details-bin when a call fails", async () => {
  const error = await check(create(CheckRequestSchema, { destinationId: "no" }), bytesOf).catch((reason) => reason);
  expect(error).toMatchObject({ code: status.NOT_FOUND, details: MESSAGE });
  const [details] = error.metadata.get("grpc-status-details-bin");
  expect(fromBinary(StatusSchema, details)).toMatchObject({ code: 5, message: MESSAGE });
});

test("listenHttp() gives a grpc-js client the same error", async () => {
  const other = new Client(`127.0.0.1:${both.http.port}`, credentials.createInsecure());
  const request = create(CheckRequestSchema, { destinationId: "no" });
  const error = await check(request, bytesOf, other).catch((reason) => reason);
  expect(error).toMatchObject({ code: status.NOT_FOUND, details: MESSAGE });
  other.close();
});

test("listenGrpc() says INVALID_ARGUMENT when the request is not the method's message", async () => {
  const error = await check(Buffer.from([0x0a, 0xff]), (bytes) => bytes).catch((reason) => reason);
  expect(error).toMatchObject({ code: status.INVALID_ARGUMENT });
});

test("listenGrpc() says RESOURCE_EXHAUSTED when the request is over 1 MiB", async () => {
  const request = create(CheckRequestSchema, { destinationId: "q", tags: { big: "x".repeat(1 << 20) } });
  expect(await check(request, bytesOf).catch((reason) => reason)).toMatchObject({ code: status.RESOURCE_EXHAUSTED });
});

test("listenGrpc() stops a Watch at a reader who does not read, and leaves it when that one goes", async () => {
  const call = client.makeServerStreamRequest(`${METHOD}/Watch`, () => Buffer.alloc(0), answerOf, {}, new Metadata());
  call.on("error", () => {});
  const left = once(seen, "left");
  await once(call, "metadata");
  call.pause();
  await check(create(CheckRequestSchema, { destinationId: "q" }), bytesOf);
  call.cancel();
  expect((await left)[0]).toBeLessThan(40);
});

test("listenGrpc() waits for a slow reader again and again, and leaves no listener behind", async () => {
  const warnings: Error[] = [];
  const warned = (warning: Error) => warnings.push(warning);
  process.on("warning", warned);
  const call = client.makeServerStreamRequest(`${METHOD}/Watch`, () => Buffer.alloc(0), tokenOf, {}, new Metadata());
  const tokens: number[] = [];
  for await (const token of call) if (tokens.push(token) === 300) break;
  expect(tokens).toEqual(Array.from({ length: 300 }, (_, i) => i + 1));
  process.off("warning", warned);
  expect(warnings).toEqual([]);
});

test("listenGrpc() keeps the order of 2,000 pipelined answers, and leaves no listener behind", async () => {
  const warnings: Error[] = [];
  const warned = (warning: Error) => warnings.push(warning);
  process.on("warning", warned);
  const call = client.makeBidiStreamRequest(
    `${METHOD}/CheckStream`,
    (requestId: string) =>
      Buffer.from(toBinary(CheckStreamRequestSchema, create(CheckStreamRequestSchema, { requestId }))),
    (bytes: Buffer) => fromBinary(CheckStreamResponseSchema, bytes).requestId,
    new Metadata(),
  );
  const ids = Array.from({ length: 2000 }, (_, i) => String(i));
  for (const id of ids) call.write(id);
  call.end();
  const answers: string[] = [];
  for await (const id of call) answers.push(id);
  expect(answers).toEqual(ids);
  process.off("warning", warned);
  expect(warnings).toEqual([]);
});

test("addHealth() answers for the server and each service, and NOT_FOUND for others", async () => {
  const ask = (service: string) => call(health.Check as AnyMethod, { service });
  expect(await ask("")).toMatchObject({ status: "SERVING" });
  expect(await ask("availability.v1.AvailabilityService")).toMatchObject({ status: "SERVING" });
  await expect(ask("other")).rejects.toMatchObject({ code: status.NOT_FOUND });
});

test.each(["v1", "v1alpha"])(
  "addReflection() lists every service with health, and gives whole files, %s",
  async (version) => {
    const root = new URL("../../node_modules/@grpc/reflection/build/proto/", import.meta.url).pathname;
    const definition = loadSync(`${root}grpc/reflection/${version}/reflection.proto`, { oneofs: true });
    const { ServerReflectionInfo } = definition[`grpc.reflection.${version}.ServerReflection`] as Record<
      string,
      AnyMethod
    >;
    const { path, requestSerialize, responseDeserialize } = ServerReflectionInfo!;
    const stream = client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize, new Metadata());
    stream.write({ listServices: "" });
    stream.write({ fileContainingSymbol: "availability.v1.AvailabilityService" });
    stream.write({ fileContainingSymbol: "grpc.health.v1.Health" });
    stream.end();
    const answers: Reflected[] = [];
    for await (const answer of stream) answers.push(answer);
    const services = answers[0]!.listServicesResponse.service.map(({ name }: { name: string }) => name);
    expect(services.sort()).toEqual(["availability.v1.AvailabilityService", "grpc.health.v1.Health"]);
    const files = answers[1]!.fileDescriptorResponse.fileDescriptorProto.map(
      (bytes: Buffer) => fromBinary(FileDescriptorProtoSchema, bytes).name,
    );
    expect(files).toContain("availability/v1/availability_service.proto");
    expect(files).toContain("availability/v1/destination.proto");
    expect(files).toContain("google/protobuf/duration.proto");
    // A registry takes only what protoc could have written.
    const file = answers[2]!.fileDescriptorResponse.fileDescriptorProto.map((bytes) =>
      fromBinary(FileDescriptorProtoSchema, bytes),
    );
    const registry = createFileRegistry(create(FileDescriptorSetSchema, { file }));
    const { list } = registry.getService("grpc.health.v1.Health")!.method;
    expect(file[0]!.messageType.flatMap((m) => m.nestedType.map((nested) => nested.name))).toEqual(["StatusesEntry"]);
    expect(list!.output.field.statuses!.fieldKind).toBe("map");
  },
);

type AnyMethod = MethodDefinition<object, object>;
type Reflected = {
  listServicesResponse: { service: { name: string }[] };
  fileDescriptorResponse: { fileDescriptorProto: Buffer[] };
};

function call(method: AnyMethod, request: object): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const { path, requestSerialize, responseDeserialize } = method;
    client.makeUnaryRequest(path, requestSerialize, responseDeserialize, request, new Metadata(), (error, answer) =>
      error ? reject(error) : resolve(answer),
    );
  });
}
