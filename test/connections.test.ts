import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Reason } from "../gen/availability/v1/availability_pb.ts";
import type { ConnectionSchema } from "../gen/availability/v1/connection_pb.ts";
import { CredentialKind, CredentialSchema } from "../gen/availability/v1/credential_pb.ts";
import { ErrorInfoSchema } from "../gen/google/rpc/error_details_pb.ts";
import { DEFAULT_APP } from "../simulator/oauth-apps.ts";
import { BOTH_PORTS, errorOf } from "./support/clients.ts";
import { type RunningService, startService, temporaryDirectory } from "./support/service.ts";

let service: RunningService;
let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
beforeAll(async () => {
  directory = await temporaryDirectory();
  service = await start();
});
afterAll(async () => {
  await service.stop();
  await directory.remove();
});

const start = (env: Record<string, string> = {}) =>
  startService({ storeUrl: `sqlite:${directory.path}/availability.db`, env });

/** A connection to the simulator with its own app's JWT. */
function connectionOf(id: string): MessageInitShape<typeof ConnectionSchema> {
  const { clientId, clientSecret, jwts } = DEFAULT_APP;
  const value = { clientId, clientSecret, grant: { case: "jwt", value: jwts[0] } } as const;
  const credential = create(CredentialSchema, { kind: { case: "oauth", value } });
  return { id, serverUrl: service.simulator.origin, credential };
}

test.each(BOTH_PORTS)("a connection is made, shown, listed, used and deleted over %s", async (way) => {
  const { availability, connections, destinations } = service.by(way);
  const id = `of-${BOTH_PORTS.indexOf(way)}`;
  const made = await connections.configureConnection({ connection: connectionOf(id), expectedRevision: 0n });
  expect(made.connection).toMatchObject({ id, revision: 1n, credentialStatus: { kind: CredentialKind.JWT } });
  expect((await connections.configureConnection({ connection: connectionOf(id) })).connection?.revision).toBe(1n);
  const queues = await connections.listCallQueues({ connectionId: id });
  expect(queues.callQueues.map((queue) => queue.id)).toEqual(service.simulator.world.queueIds.toSorted());
  const asks = await service.configure({ id: `asks-${id}`, connectionId: id, maxAgeMs: 60_000 });
  const { availability: answer } = await availability.check({ destinationId: asks });
  expect(answer).toMatchObject({ accepted: true, reason: Reason.CRITERIA_MET });
  const { connection } = await connections.getConnection({ connectionId: id });
  expect(connection).toMatchObject({ id, destinationCount: 1, serverUrl: service.simulator.origin });
  expect(connection?.credential).toBeUndefined();
  const { connections: all } = await connections.listConnections({});
  expect(all.map((one) => one.id)).toContain(id);
  const inUse = await errorOf(connections.deleteConnection({ connectionId: id }));
  expect(inUse).toMatchObject({
    code: Code.Aborted,
    rawMessage: `Cannot delete connection "${id}": 1 destination uses it: "asks-${id}"`,
  });
  expect(inUse.findDetails(ErrorInfoSchema)[0]?.metadata).toEqual({ destination_count: "1" });
  await destinations.deleteDestination({ destinationId: `asks-${id}` });
  await connections.deleteConnection({ connectionId: id });
  expect((await errorOf(connections.getConnection({ connectionId: id }))).code).toBe(Code.NotFound);
});

test("connections and the destinations that use them are there after a restart", async () => {
  await service.connections.configureConnection({ connection: connectionOf("kept") });
  await service.configure({ id: "asks", connectionId: "kept" });
  const before = await service.destinations.getDestination({ destinationId: "asks" });
  const { origin } = service.simulator;
  await service.stop();
  service = await start({ UPSTREAM_ALLOW: origin });
  expect(await service.destinations.getDestination({ destinationId: "asks" })).toEqual(before);
  const { connection } = await service.connections.getConnection({ connectionId: "kept" });
  expect(connection).toMatchObject({ revision: 1n, destinationCount: 1, serverUrl: origin });
  // The simulator of the first life is gone, which is another matter than a connection that is not known.
  expect((await service.check("asks")).reason).toBe(Reason.UPSTREAM_UNAVAILABLE);
});
