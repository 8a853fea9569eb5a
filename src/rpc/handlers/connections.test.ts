import { Code, type ConnectError } from "@connectrpc/connect";
import { describe, expect, test, vi } from "vitest";
import { BadRequestSchema, ErrorInfoSchema } from "../../../gen/google/rpc/error_details_pb.ts";
import { createConfigureConnection } from "../../connections/configure-connection.ts";
import {
  bearerCredential,
  CLIENT_SECRET,
  connectionOf,
  JWT,
  newConnection,
  startConnections,
  TOKEN,
} from "../../connections/test-connections.ts";
import { ServiceError } from "../../lib/errors.ts";
import type { ConnectionStatus } from "../../ringcentral/connection-status.ts";
import { pageToken } from "../paging.ts";
import { clientsOf } from "./test-client.ts";

const LIMITED = { field: "connection.credential", reason: "DEMAND_NOT_MET", description: "expect 10 min" };
const STATUS: ConnectionStatus = {
  expiresAt: undefined,
  refreshExpiresAt: undefined,
  groups: [],
  push: "DOWN",
  destinationCount: 3,
  demandCount: 2,
  achievableAgeMs: undefined,
  lastError: "Cannot renew token: refused",
  warnings: [LIMITED],
};

async function start(over: Partial<Parameters<typeof clientsOf>[0]> = {}) {
  const service = await startConnections();
  const client = clientsOf({
    connections: service.connections,
    configureConnection: createConfigureConnection(service),
    removeConnection: service.remove,
    usersOf: () => service.users,
    ...over,
  }).connections;
  return { ...service, client };
}

const failureOf = (call: Promise<unknown>): Promise<ConnectError> =>
  call.then(
    () => expect.unreachable("the call succeeded"),
    (error) => error,
  );

describe("configureConnection()", () => {
  test("answers with the connection without secrets, as it is doing, and every warning", async () => {
    const { client, users } = await start({ status: () => STATUS });
    users.push("sales");
    const given = newConnection({ credential: bearerCredential(TOKEN) });
    const { connection, warnings } = await client.configureConnection({ connection: given });
    expect(connection).toMatchObject({ id: "main", revision: 1n, lastError: STATUS.lastError, destinationCount: 3 });
    expect(connection?.credential).toBeUndefined();
    expect(connection?.warnings).toMatchObject([LIMITED]);
    expect(warnings).toMatchObject([{ reason: "TOKEN_NOT_RENEWED" }, LIMITED]);
  });

  test("hands on validate_only and expected_revision, and says what is wrong", async () => {
    const { client, connections } = await start();
    await client.configureConnection({ connection: newConnection(), validateOnly: true });
    expect(connections.get("main")).toBeUndefined();
    await client.configureConnection({ connection: newConnection(), expectedRevision: 0n });
    const aborted = await failureOf(client.configureConnection({ connection: newConnection(), expectedRevision: 0n }));
    expect(aborted.code).toBe(Code.Aborted);
    expect(aborted.findDetails(ErrorInfoSchema)[0]?.metadata).toEqual({ current_revision: "1" });
    const refused = await failureOf(client.configureConnection({ connection: connectionOf({ id: "-" }) }));
    expect(refused.code).toBe(Code.InvalidArgument);
    expect(refused.findDetails(BadRequestSchema)[0]?.fieldViolations).toMatchObject([
      { field: "connection.id", reason: "INVALID_FORMAT" },
      { field: "connection.credential", reason: "REQUIRED" },
    ]);
    expect((await failureOf(client.configureConnection({}))).code).toBe(Code.InvalidArgument);
  });
});

describe("getConnection() and listConnections()", () => {
  test("show a connection as configured and as it is doing, without secrets", async () => {
    const status = vi.fn((id: string) => (id === "main" ? STATUS : undefined));
    const { client, configure, users } = await start({ status });
    users.push("a", "b");
    await configure(newConnection());
    await configure(newConnection({ id: "other" }));
    const { connection } = await client.getConnection({ connectionId: "main" });
    expect(connection).toMatchObject({ revision: 1n, destinationCount: 3, demandCount: 2, warnings: [LIMITED] });
    const { connections: all } = await client.listConnections({});
    expect(all.map(({ id, destinationCount }) => `${id} ${destinationCount}`)).toEqual(["main 3", "other 2"]);
    expect(all[0]).toEqual(connection);
    const text = JSON.stringify(all, (_, value) => (typeof value === "bigint" ? `${value}` : value));
    for (const secret of [CLIENT_SECRET, JWT]) expect(text).not.toContain(secret);
  });

  test("say why a connection cannot be used", async () => {
    const service = await startConnections();
    await service.store.put("connections/main", Buffer.from("{}"));
    const { connections } = await startConnections({ store: service.store });
    const { client } = await start({ connections });
    const { connection } = await client.getConnection({ connectionId: "main" });
    expect(connection?.lastError).toMatch(/^The stored connection cannot be read: /);
    expect((await client.listConnections({})).connections).toEqual([connection]);
    expect(await failureOf(client.listCallQueues({ connectionId: "main" }))).toMatchObject({
      code: Code.Unavailable,
      rawMessage: expect.stringMatching(/^Cannot list call queues of connection "main": The stored connection cannot/),
    });
  });

  test("give pages in the order of ids", async () => {
    const { client, configure } = await start();
    const ids = Array.from({ length: 7 }, (_, i) => `c${i}`);
    for (const id of ids.toReversed()) await configure(newConnection({ id }));
    const seen: string[][] = [];
    let token = "";
    do {
      const page = await client.listConnections({ pageSize: 3, pageToken: token });
      seen.push(page.connections.map(({ id }) => id));
      token = page.nextPageToken;
    } while (token !== "");
    expect(seen).toEqual([ids.slice(0, 3), ids.slice(3, 6), ids.slice(6)]);
    expect((await failureOf(client.listConnections({ pageToken: "x" }))).code).toBe(Code.InvalidArgument);
  });
});

test.each(["getConnection", "deleteConnection", "listCallQueues"] as const)(
  "%s() is NOT_FOUND when there is no such connection",
  async (name) => {
    const { client } = await start();
    const error = await failureOf(client[name]({ connectionId: "nobody" }));
    expect(error.code).toBe(Code.NotFound);
    expect(error.rawMessage).toMatch(
      /^Cannot (get|delete|list call queues of) connection "nobody": it does not exist$/,
    );
    expect((await failureOf(client[name]({ connectionId: "no body" }))).code).toBe(Code.InvalidArgument);
  },
);

test("deleteConnection() deletes, unless destinations use it", async () => {
  const { client, configure, connections, users } = await start();
  await configure(newConnection());
  users.push("sales");
  const error = await failureOf(client.deleteConnection({ connectionId: "main" }));
  expect(error).toMatchObject({
    code: Code.Aborted,
    rawMessage: 'Cannot delete connection "main": 1 destination uses it: "sales"',
  });
  expect(error.findDetails(ErrorInfoSchema)[0]?.metadata).toEqual({ destination_count: "1" });
  users.length = 0;
  await client.deleteConnection({ connectionId: "main" });
  expect(connections.get("main")).toBeUndefined();
});

describe("listCallQueues()", () => {
  const queue = (id: string) => ({ id, extensionNumber: `1${id}`, name: `Queue ${id}`, status: "Enabled" });

  test("gives every queue once, page by page, in the order of ids", async () => {
    const ids = ["31", "4", "1000", "4001", "2"];
    const listCallQueues = vi.fn(async () => ids.map(queue));
    const { client, configure } = await start({ listCallQueues });
    await configure(newConnection());
    const all = await client.listCallQueues({ connectionId: "main" });
    expect(all).toMatchObject({ callQueues: ids.toSorted().map(queue), nextPageToken: "" });
    expect(listCallQueues).toHaveBeenCalledWith("main");
    const first = await client.listCallQueues({ connectionId: "main", pageSize: 3 });
    expect(first.nextPageToken).toBe(pageToken("31"));
    const rest = await client.listCallQueues({ connectionId: "main", pageSize: 2, pageToken: first.nextPageToken });
    expect([...first.callQueues, ...rest.callQueues].map(({ id }) => id)).toEqual(ids.toSorted());
    expect(rest.nextPageToken).toBe("");
  });

  test("fails as the asking failed", async () => {
    const listCallQueues = () => Promise.reject(new ServiceError("UNAVAILABLE", "Cannot list call queues: it is down"));
    const { client, configure } = await start({ listCallQueues });
    await configure(newConnection());
    expect(await failureOf(client.listCallQueues({ connectionId: "main" }))).toMatchObject({
      code: Code.Unavailable,
      rawMessage: "Cannot list call queues: it is down",
    });
  });
});
