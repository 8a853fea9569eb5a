import { afterEach, expect, test } from "vitest";
import { type Simulator, type SimulatorOptions, startSimulator } from "./server.ts";
import { TestClient } from "./test-client.ts";

let simulator: Simulator;
let client: TestClient;
let queueId: string;

async function start(options: SimulatorOptions = {}) {
  simulator = await startSimulator(options);
  client = new TestClient(simulator);
  [queueId] = simulator.world.queueIds as [string];
}

afterEach(async () => {
  await client.close();
  await simulator.close();
});

const account = "/restapi/v1.0/account";
const optOut = { acceptCurrentQueueCalls: false };
const optIn = { acceptCurrentQueueCalls: true };

test("wstoken opens one socket, which begins with ConnectionDetails", async () => {
  await start({ now: () => Date.UTC(2026, 0, 5) });
  const { status, headers, json } = await client.wsToken();
  expect([status, headers["x-rate-limit-group"]]).toEqual([200, "auth"]);
  expect(json).toEqual({
    uri: `${simulator.origin.replace("http", "ws")}/ws`,
    ws_access_token: expect.any(String),
    expires_in: 30,
  });
  const socket = await client.open({ wsToken: json.ws_access_token });
  expect(await socket.next()).toEqual({
    meta: {
      type: "ConnectionDetails",
      messageId: expect.any(String),
      status: 200,
      wsc: { token: expect.any(String), sequence: 1 },
      headers: { RCRequestId: expect.any(String) },
    },
    body: {
      creationTime: "2026-01-05T00:00:00.000+0000",
      maxConnectionsPerSession: 50,
      recoveryBufferSize: 100,
      recoveryTimeout: 180,
      idleTimeout: 1800,
      absoluteTimeout: 86400,
      maxActiveRequests: 10,
    },
  });
  const again = await client.open({ wsToken: json.ws_access_token });
  expect((await again.next()).meta).toMatchObject({ type: "Error", status: 401 });
  expect(await again.closed).toBe(1008);
  expect(simulator.requests.map(({ on, status }) => [on, status])).toEqual([
    ["wstoken", 200],
    ["connect", 101],
    ["connect", 101],
  ]);
  expect(JSON.stringify(simulator.requests)).not.toContain(json.ws_access_token);
});

test("wstoken is not good for longer than it says, and not without the permission", async () => {
  let now = Date.UTC(2026, 0, 5);
  await start({ now: () => now });
  const { json } = await client.wsToken();
  now += 30_000;
  expect((await (await client.open({ wsToken: json.ws_access_token })).next()).meta.status).toBe(401);
  const { accessToken } = simulator.oauth.issue({ scope: "ReadPresence" });
  expect((await client.wsToken(accessToken)).json.errors[0]).toMatchObject({
    errorCode: "CMN-401",
    permissionName: "WebSocketsSubscription",
  });
});

test("a subscription is told of each change with a newer place", async () => {
  await start();
  const { socket, details } = await client.subscribe([`${account}/~/call-queues/${queueId}/presence`]);
  simulator.world.set(queueId, 0, optOut);
  const { meta, body } = await socket.next();
  expect(meta).toMatchObject({ type: "ServerNotification", status: 200, wsc: { sequence: 2 } });
  expect(meta.wsc.token).not.toBe(details.meta.wsc.token);
  const { agent } = simulator.world.queue(queueId).members[0]!;
  expect(body).toMatchObject({
    uuid: expect.any(String),
    event: `${account}/37439510/call-queues/${queueId}/presence`,
    subscriptionId: expect.any(String),
    ownerId: simulator.client.ownerId,
    body: { records: [{ member: { id: agent.id }, acceptCurrentQueueCalls: false }] },
  });
  expect(simulator.gateway.notices).toMatchObject([{ event: body.event, body: body.body, sequence: 2 }]);
  expect(simulator.gateway.notices[0]!.sentAt).toBeGreaterThanOrEqual(simulator.gateway.notices[0]!.changedAt);
});

test("recovery brings what was missed, and the subscription goes on", async () => {
  await start();
  const { socket } = await client.subscribe([`${account}/~/call-queues/${queueId}/presence`]);
  simulator.world.set(queueId, 0, optOut);
  const { meta: seen } = await socket.next();
  simulator.gateway.cut("abrupt");
  expect(await socket.closed).toBe(1006);
  await expect.poll(() => simulator.gateway.sockets).toBe(0);
  simulator.world.set(queueId, 1, optOut);
  simulator.world.set(queueId, 2, optOut);

  const back = await client.open({ wsc: seen.wsc.token });
  const details = await back.next();
  expect(details.body.recoveryState).toBe("Successful");
  expect(details.meta.wsc).toEqual(seen.wsc);
  expect([(await back.next()).meta.wsc.sequence, (await back.next()).meta.wsc.sequence]).toEqual([3, 4]);
  simulator.world.set(queueId, 0, optIn);
  expect((await back.next()).meta.wsc.sequence).toBe(5);
  expect(simulator.gateway.connections[1]).toMatchObject({ recovery: "Successful", filters: [expect.any(String)] });
});

test.for([
  ["the time is over", (wait: (seconds: number) => void) => wait(181), {}],
  ["too much came meanwhile", () => {}, { recoveryBufferSize: 1 }],
  ["the session was forgotten", () => simulator.gateway.forgetSessions(), {}],
] as const)("recovery fails when %s", async ([, happen, switches]) => {
  let now = Date.UTC(2026, 0, 5);
  await start({ now: () => now, switches });
  const { socket, details } = await client.subscribe([`${account}/~/call-queues/${queueId}/presence`]);
  simulator.gateway.cut("clean", { code: 1012 });
  expect(await socket.closed).toBe(1012);
  await expect.poll(() => simulator.gateway.sockets).toBe(0);
  simulator.world.setAll(queueId, optOut);
  happen((seconds) => {
    now += seconds * 1000;
  });
  const back = await client.open({ wsc: details.meta.wsc.token });
  const { meta, body } = await back.next();
  expect(body).toMatchObject({ recoveryState: "Failed", recoveryErrorCode: "WSG-1005" });
  expect(meta.wsc.sequence).toBe(1);
  simulator.world.setAll(queueId, optIn);
  expect((await back.subscribe([`${account}/~/presence`])).meta).toMatchObject({ type: "ClientRequest", status: 200 });
});

test("recovery takes a session from a socket that still hangs on, and sends the whole buffer when told to", async () => {
  await start({ switches: { replay: "buffer" } });
  const { socket } = await client.subscribe([`${account}/~/call-queues/${queueId}/presence`]);
  simulator.world.setAll(queueId, optOut);
  const { meta } = await socket.next();
  await socket.next();
  simulator.gateway.cut("silent");
  simulator.world.set(queueId, 0, optIn);
  const back = await client.open({ wsc: meta.wsc.token });
  expect((await back.next()).body.recoveryState).toBe("Successful");
  const again = [];
  for (let count = 0; count < simulator.world.truth(queueId).total + 1; count++) again.push(await back.next());
  expect(again.map((frame) => frame.meta.wsc.sequence)).toEqual([2, 3, 4, 5, 6]);
  expect(await socket.closed).toBe(1006);
});

test("cut() silent sends neither news nor pongs nor the answer to a close", async () => {
  await start();
  const { socket } = await client.subscribe([`${account}/~/presence`]);
  socket.socket.ping("one");
  await expect.poll(() => socket.pongs).toEqual(["one"]);
  simulator.gateway.cut("silent");
  socket.socket.ping("two");
  simulator.world.set(queueId, 0, { acceptQueueCalls: false });
  // What comes on another socket came after what did not come on this one.
  const { socket: other } = await client.subscribe([`${account}/~/presence`]);
  simulator.world.set(queueId, 0, { acceptQueueCalls: true });
  await other.next();
  simulator.gateway.send('[{"type":"Error"}]');
  expect((await other.next()).meta).toEqual({ type: "Error" });
  // Whatever was sent on it has come when its end has.
  simulator.gateway.cut("abrupt");
  await socket.closed;
  expect([socket.pongs, socket.left]).toEqual([["one"], 0]);
  expect(simulator.gateway.notices.map(({ sentAt }) => sentAt !== undefined)).toEqual([false, false, true]);
});

test("frames are lost and turned round on command", async () => {
  await start();
  const { socket } = await client.subscribe([`${account}/~/call-queues/${queueId}/presence`]);
  const { members } = simulator.world.queue(queueId);
  simulator.gateway.dropNext(1);
  simulator.world.set(queueId, 0, optOut);
  simulator.gateway.reorderNext(2);
  simulator.world.set(queueId, 1, optOut);
  simulator.world.set(queueId, 2, optOut);
  simulator.world.set(queueId, 3, optOut);
  expect(members).toHaveLength(4);
  const sequences = [];
  for (let count = 0; count < 3; count++) sequences.push((await socket.next()).meta.wsc.sequence);
  expect(sequences).toEqual([4, 3, 5]);
});

test("a client that speaks before ConnectionDetails is refused, and it is written down", async () => {
  await start({ switches: { detailsDelayMs: 3_600_000 } });
  const socket = await client.open();
  socket.socket.once("open", () => socket.send({ type: "Heartbeat", messageId: "x" }));
  expect((await socket.next()).meta.type).toBe("Error");
  expect(await socket.closed).toBe(1002);
  expect(simulator.gateway.connections[0]!.violations).toEqual(["sent Heartbeat before ConnectionDetails"]);
});

test("a heartbeat is echoed, nonsense is an error", async () => {
  await start();
  const socket = await client.open();
  await socket.next();
  socket.send({ type: "Heartbeat", messageId: "h1" });
  expect(await socket.next()).toEqual({ meta: { type: "Heartbeat", messageId: "h1" }, body: undefined });
  socket.socket.send("nonsense");
  expect((await socket.next()).meta.type).toBe("Error");
  socket.send({ type: "Poem" });
  expect((await socket.next()).meta.type).toBe("Error");
});

test.for([
  ["unavailable", "Unexpected server response: 503"],
  ["reset", "socket hang up"],
] as const)("the gateway is down while REST is up when it is %s", async ([gateway, error]) => {
  await start({ switches: { gateway } });
  const socket = await client.open();
  expect(await socket.closed).toMatch(gateway === "reset" ? /hang up|ECONNRESET/ : error);
  expect((await client.get(`${account}/~/call-queues/${queueId}/presence`)).status).toBe(200);
});

test("a fault of the handshake or of the token is the next one's alone", async () => {
  await start();
  simulator.faults.add({ kind: "internal-error", on: "wstoken" }, { kind: "rate-limited", on: "connect" });
  expect((await client.wsToken()).status).toBe(500);
  expect(await (await client.open()).closed).toBe("Unexpected server response: 429");
  expect((await (await client.open()).next()).meta.type).toBe("ConnectionDetails");
});

test("close() leaves nothing running when sockets are open, silent or held", async () => {
  const running = () => process.getActiveResourcesInfo().filter((kind) => kind.startsWith("TCP"));
  const pending = new Set<object>();
  const after = (_ms: number, _then: () => void) => {
    const timer = {};
    pending.add(timer);
    return () => pending.delete(timer);
  };
  await start({ after, switches: { newsDelayMs: 3_600_000 } });
  await client.subscribe([`${account}/~/presence`]);
  await client.subscribe([`${account}/~/presence`]);
  simulator.world.set(queueId, 0, { acceptQueueCalls: false });
  simulator.gateway.cut("silent", { connection: simulator.gateway.connections[0]! });
  simulator.switches.gateway = "silent";
  await client.open();
  await simulator.waitForRequests(7);
  expect(pending.size).toBeGreaterThan(0);
  await simulator.close();
  await client.close();
  expect(pending.size).toBe(0);
  await expect.poll(running).toEqual([]);
});
