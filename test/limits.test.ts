import { once } from "node:events";
import { connect } from "node:net";
import { create, toBinary } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import { Client, credentials } from "@grpc/grpc-js";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { CheckRequestSchema } from "../gen/availability/v1/availability_service_pb.ts";
import { ALL_WAYS, BOTH_PORTS, errorOf, openClients } from "./support/clients.ts";
import { type RunningService, startService } from "./support/service.ts";
import { watching } from "./support/watching.ts";

let service: RunningService;
beforeAll(async () => {
  service = await startService();
  await service.configure({ maxAgeMs: 3_600_000 });
  await service.check("sales");
});
// Whatever was sent, the service lives and knows what it knew.
afterEach(async () => {
  for (const way of BOTH_PORTS) {
    const { accepted } = await service.check("sales", { way });
    if (!accepted) throw new Error(`Cannot go on: ${way} is answered something else now`);
  }
});
// The upload that was refused over HTTP/1.1 may hold its connection for as long as a drain waits.
afterAll(() => service.stop(), 20_000);

test.each(ALL_WAYS)("BatchCheck() answers 500 in their order and refuses 501, to %s", async (way) => {
  const { availability } = service.by(way);
  const checks = Array.from({ length: 501 }, (_, i) => ({ destinationId: i % 2 === 0 ? "sales" : `nobody-${i}` }));
  const { results } = await availability.batchCheck({ checks: checks.slice(0, 500) });
  expect(results).toHaveLength(500);
  for (const [index, { outcome }] of results.entries()) {
    if (index % 2 === 0)
      expect(outcome.value).toMatchObject({ availability: { destinationId: "sales", accepted: true } });
    else
      expect(outcome.value).toMatchObject({ code: Code.NotFound, message: expect.stringContaining(`nobody-${index}`) });
  }
  const error = await errorOf(availability.batchCheck({ checks }));
  expect(error).toMatchObject({ code: Code.InvalidArgument, message: expect.stringContaining("501") });
});

test("Watch() takes 500 ids and refuses 501", async () => {
  const destinationIds = Array.from({ length: 501 }, (_, i) => `d${i}`);
  const most = watching(service.availability, { destinationIds: destinationIds.slice(1) });
  await most.untilKind("synced");
  expect(most.events).toHaveLength(501);
  most.leave();
  expect((await watching(service.availability, { destinationIds }).end()).code).toBe(Code.InvalidArgument);
});

test.each(ALL_WAYS)("a request over 1 MiB is RESOURCE_EXHAUSTED to %s", async (way) => {
  const tags = Object.fromEntries(Array.from({ length: 1100 }, (_, i) => [`tag-${i}`, "x".repeat(1000)]));
  // Connections of their own: not every client ends the upload that was refused.
  const { clients, close } = openClients(way, service);
  const call = clients.availability.batchCheck({ checks: [{ destinationId: "sales", tags }] });
  expect((await errorOf(call)).code).toBe(Code.ResourceExhausted);
  close();
});

describe("the HTTP port", () => {
  const path = "availability.v1.AvailabilityService/Check";
  const send = (body: string | Uint8Array<ArrayBuffer>, contentType: string, to = path) =>
    fetch(`http://${service.http}/${to}`, { method: "POST", headers: { "content-type": contentType }, body });

  test.each([
    ["an unknown field", '{"destinationId": "sales", "maxage": "3s"}', /maxage/],
    ["what is not JSON", "{", /JSON/i],
    ["a wrong type", '{"destinationId": 7}', /destination_?id/i],
    ["a bad duration", '{"destinationId": "sales", "maxAge": "soon"}', /duration/i],
    ["nothing", "{}", /destination_id/],
  ])("answers %s with invalid_argument and says what", async (_, body, says) => {
    const answer = await send(body, "application/json");
    expect(answer.status).toBe(400);
    const { code, message } = (await answer.json()) as { code: string; message: string };
    expect(code).toBe("invalid_argument");
    expect(message).toMatch(says);
  });

  test.each(["application/proto", "application/grpc-web"])(
    "answers garbage as %s with an error",
    async (contentType) => {
      const answer = await send(Uint8Array.from([255, 254, 253, 0, 1, 2, 3]), contentType);
      const said = `${answer.status} ${answer.headers.get("grpc-status")} ${await answer.text()}`;
      expect(said).not.toMatch(/^200 (0|null) $/);
      expect(said).not.toMatch(/node_modules|\.ts:/);
    },
  );

  test("answers 415 to a content type it does not know, and 404 to a page that is not there", async () => {
    expect((await send("<check/>", "application/xml")).status).toBe(415);
    expect((await send("{}", "application/json", "availability.v1.AvailabilityService/Nothing")).status).toBe(404);
    expect((await fetch(`http://${service.http}/`)).status).toBe(404);
  });
});

test.each(["http", "grpc"] as const)("bytes that are no HTTP end the connection on the %s port", async (port) => {
  const [host, number] = service[port].split(":");
  const socket = connect(Number(number), host);
  socket.on("error", () => {});
  socket.write(Buffer.from("\x16\x03\x01garbage\r\n\r\n more garbage\r\n\r\n"));
  socket.resume();
  await once(socket, "close");
  expect(socket.destroyed).toBe(true);
});

test("a gRPC message that is no CheckRequest is an error on the gRPC port", async () => {
  const client = new Client(service.grpc, credentials.createInsecure());
  const path = "/availability.v1.AvailabilityService/Check";
  const ask = (bytes: Uint8Array) =>
    new Promise<number>((resolve) => {
      client.makeUnaryRequest(
        path,
        (request: Uint8Array) => Buffer.from(request),
        (answer) => answer,
        bytes,
        (error) => resolve(error?.code ?? 0),
      );
    });
  expect(await ask(Uint8Array.from([10, 200]))).not.toBe(0);
  expect(await ask(toBinary(CheckRequestSchema, create(CheckRequestSchema, { destinationId: "sales" })))).toBe(0);
  client.close();
});

test("names and values of tags are bounded, and their values are not repeated", async () => {
  const tags = { "": "x", long: "secret-value".repeat(100) };
  const error = await errorOf(service.availability.check({ destinationId: "sales", tags }));
  expect(error.code).toBe(Code.InvalidArgument);
  expect(JSON.stringify(error.details)).not.toContain("secret-value");
});
