import { join } from "node:path";
import { create, fromBinary, type JsonValue, toBinary } from "@bufbuild/protobuf";
import { Client, credentials } from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  CheckRequestSchema,
  type CheckResponse,
  CheckResponseSchema,
} from "../../gen/availability/v1/availability_service_pb.ts";
import { expectSame } from "./foreign-client.ts";
import { output } from "./program.ts";
import { destinationId, type Scene, startScene } from "./scene.ts";

const check = "availability.v1.AvailabilityService/Check";
const services = ["Availability", "Connection", "Destination"].map((name) => `availability.v1.${name}Service`);
const ports = ["grpc", "http"] as const;

describe("the same question gets the answer that Connect for the web gets over HTTP/1.1", () => {
  let scene: Scene;
  beforeAll(async () => {
    scene = await startScene();
  });
  afterAll(() => scene?.close());

  test.each(ports)("Check() by grpc-js on the %s port", async (port) => {
    expect(await grpcCheck(scene[port])).toEqual(scene.checked);
  });

  test.each(["grpc", "grpcweb", "connect"])(
    "Check() by buf curl, schema by reflection, over %s on the HTTP port",
    async (protocol) => {
      expectSame(CheckResponseSchema, await curlCheck(scene.http, protocol), scene.checked);
    },
  );

  test("Check() by buf curl, schema by reflection, on the gRPC port", async () => {
    expectSame(CheckResponseSchema, await curlCheck(scene.grpc, "grpc"), scene.checked);
  });

  test.each([
    ["grpc", [...services, "grpc.health.v1.Health"]],
    ["http", services],
  ] as const)("reflection lists the services of the %s port", async (port, expected) => {
    const listed = (await curl("grpc", "--list-services", `http://${scene[port]}`)).split("\n");
    expect(listed).toEqual(expect.arrayContaining([...expected]));
  });
});

async function grpcCheck(address: string): Promise<CheckResponse> {
  const client = new Client(address, credentials.createInsecure());
  try {
    return await new Promise<CheckResponse>((resolve, reject) => {
      client.makeUnaryRequest(
        `/${check}`,
        (request) => Buffer.from(toBinary(CheckRequestSchema, request)),
        (bytes) => fromBinary(CheckResponseSchema, bytes),
        create(CheckRequestSchema, { destinationId }),
        (error, response) => (response ? resolve(response) : reject(error)),
      );
    });
  } finally {
    client.close();
  }
}

async function curlCheck(address: string, protocol: string): Promise<JsonValue> {
  return JSON.parse(await curl(protocol, "--data", JSON.stringify({ destinationId }), `http://${address}/${check}`));
}

function curl(protocol: string, ...args: string[]): Promise<string> {
  const buf = join(import.meta.dirname, "../../node_modules/.bin/buf");
  return output(buf, ["curl", "--protocol", protocol, "--http2-prior-knowledge", ...args]);
}
