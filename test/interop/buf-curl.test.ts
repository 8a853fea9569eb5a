import { join } from "node:path";
import type { JsonValue } from "@bufbuild/protobuf";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CheckResponseSchema } from "../../gen/availability/v1/availability_service_pb.ts";
import { expectSame } from "./foreign-client.ts";
import { output } from "./program.ts";
import { destinationId, type Scene, startScene } from "./scene.ts";

const buf = join(import.meta.dirname, "../../node_modules/.bin/buf");
const check = "availability.v1.AvailabilityService/Check";

describe("buf curl, with the schema by reflection", () => {
  let scene: Scene;
  beforeAll(async () => {
    scene = await startScene();
  });
  afterAll(() => scene?.close());

  const curl = (address: string, protocol: string, args: readonly string[]) =>
    output(buf, [
      "curl",
      "--protocol",
      protocol,
      "--http2-prior-knowledge",
      ...args.map((arg) => arg.replace("ADDRESS", `http://${address}`)),
    ]);

  const ask = async (address: string, protocol: string) =>
    JSON.parse(
      await curl(address, protocol, ["--data", JSON.stringify({ destinationId }), `ADDRESS/${check}`]),
    ) as JsonValue;

  test.each(["grpc", "grpcweb", "connect"])(
    "Check() answers over %s on the HTTP port what it answers Connect for the web",
    async (protocol) => {
      expectSame(CheckResponseSchema, await ask(scene.http, protocol), scene.checked);
    },
  );

  test("Check() answers over grpc on the gRPC port what it answers Connect for the web", async () => {
    expectSame(CheckResponseSchema, await ask(scene.grpc, "grpc"), scene.checked);
  });

  test.each(["grpc", "http"] as const)(
    "reflection lists the services, health among them, on the %s port",
    async (port) => {
      const services = (await curl(scene[port], "grpc", ["--list-services", "ADDRESS"])).split("\n");
      expect(services).toEqual(
        expect.arrayContaining([
          "availability.v1.AvailabilityService",
          "availability.v1.ConnectionService",
          "availability.v1.DestinationService",
          "grpc.health.v1.Health",
        ]),
      );
    },
  );
});
