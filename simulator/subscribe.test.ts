import { afterEach, expect, test } from "vitest";
import { type Simulator, type SimulatorOptions, startSimulator } from "./server.ts";
import { TestClient } from "./test-client.ts";
import { TestClock } from "./test-clock.ts";

let simulator: Simulator;
let client: TestClient;
let queueId: string;
let agentId: string;

async function start(options: SimulatorOptions = {}) {
  simulator = await startSimulator(options);
  client = new TestClient(simulator);
  [queueId] = simulator.world.queueIds as [string];
  agentId = simulator.world.queue(queueId).members[0]!.agent.id;
}

afterEach(async () => {
  await client.close();
  await simulator.close();
});

const account = "/restapi/v1.0/account";
const onCall = { telephonyStatus: "CallConnected", presenceStatus: "Busy" } as const;

test("subscribe is answered with real ids, by a frame of the request's type", async () => {
  const clock = new TestClock();
  await start({ ...clock.options });
  const { answer } = await client.subscribe([`${account}/~/call-queues/${queueId}/presence`]);
  expect(answer.meta).toEqual({
    type: "ClientRequest",
    messageId: "m1",
    status: 200,
    headers: expect.objectContaining({ "X-Rate-Limit-Group": "medium", "X-Rate-Limit-Remaining": "39" }),
  });
  expect(answer.body).toEqual({
    uri: `/restapi/v1.0/subscription/${answer.body.id}`,
    id: expect.any(String),
    creationTime: "2026-01-05T12:00:00.000Z",
    status: "Active",
    eventFilters: [`${account}/37439510/call-queues/${queueId}/presence`],
    expirationTime: "2026-01-06T11:59:59.000Z",
    expiresIn: 86_399,
    deliveryMode: { transportType: "WebSocket", encryption: false },
  });
});

test("subscribe disables filters one by one, and says why", async () => {
  await start();
  const refused = simulator.world.agents[1]!.id;
  simulator.world.change(refused, { allowSeeMyPresence: false });
  const { accessToken } = simulator.oauth.issue({ scope: "ReadPresence WebSocket" });
  const good = `${account}/37439510/call-queues/${queueId}/presence`;
  const filters = [
    good,
    `${account}/~/presence`,
    `${account}/~/call-queues/5/presence`,
    `${account}/~/extension/${refused}/presence`,
    `${account}/~/extension/5/presence`,
    `${account}/~/extension/${queueId}/presence`,
    `${account}/9/presence`,
    "/nonsense",
  ];
  const { answer } = await client.subscribe(filters, { token: accessToken });
  expect(answer.body.eventFilters).toEqual([good]);
  expect(answer.body.disabledFilters.map(({ reason }: { reason: string }) => reason)).toEqual([
    "CMN-401",
    "CMN-102",
    "SUB-403",
    "SUB-408",
    "SUB-402",
    "SUB-406",
    "SUB-508",
  ]);
  expect(answer.body.disabledFilters[0]).toMatchObject({
    filter: `${account}/37439510/presence`,
    message: expect.stringContaining("[ReadAccounts]"),
  });
});

test("subscribe refuses more filters than may be, or disables those after the last", async () => {
  await start({ switches: { filterLimit: 1 } });
  const filters = [`${account}/~/presence`, `${account}/~/call-queues/${queueId}/presence`];
  const { socket, answer } = await client.subscribe(filters);
  expect([answer.meta.status, answer.body.errors[0].errorCode]).toEqual([400, "SUB-508"]);
  simulator.switches.overFilterLimit = "disable";
  const { body } = await socket.subscribe(filters);
  expect([body.eventFilters.length, body.disabledFilters[0].reason]).toEqual([1, "SUB-508"]);
});

test("subscribe refuses what is no list, one subscription too many, and calls over the limit", async () => {
  await start({ switches: { maxSubscriptions: 1 }, limits: { medium: 4 } });
  const { socket, answer } = await client.subscribe([]);
  expect([answer.meta.status, answer.body.errors[0].parameterName]).toEqual([400, "eventFilters"]);
  await socket.subscribe([`${account}/~/presence`]);
  const other = await client.subscribe([`${account}/~/presence`]);
  expect([other.answer.meta.status, other.answer.body.errors[0].errorCode]).toEqual([403, "SUB-505"]);
  await socket.subscribe([`${account}/~/presence`]);
  const { meta, body } = await socket.subscribe([`${account}/~/presence`]);
  expect([meta.status, meta.headers["Retry-After"], body.errorCode]).toEqual([429, "60", "CMN-301"]);
});

test("a second subscription replaces the first, and other requests lead nowhere", async () => {
  await start();
  const { socket } = await client.subscribe([`${account}/~/call-queues/${queueId}/presence`]);
  await socket.subscribe([`${account}/~/extension/${agentId}/presence`]);
  simulator.world.set(queueId, agentId, { acceptCurrentQueueCalls: false, acceptQueueCalls: false });
  expect((await socket.next()).body.event).toContain(`/extension/${agentId}/presence`);
  socket.send({ type: "ClientRequest", messageId: "m2", method: "GET", path: "/restapi/v1.0/nothing" });
  expect((await socket.next()).meta).toMatchObject({ messageId: "m2", status: 404 });
  expect(simulator.gateway.notices).toHaveLength(1);
});

test("news of an extension have a sequence, and the telephony status when it changed", async () => {
  await start();
  const { socket } = await client.subscribe([`${account}/~/extension/${agentId}/presence?detailedTelephonyState=true`]);
  simulator.world.change(agentId, onCall);
  const { body } = await socket.next();
  expect(body.event).toBe(`${account}/37439510/extension/${agentId}/presence?detailedTelephonyState=true`);
  expect(body.body).toMatchObject({
    extensionId: agentId,
    telephonyStatus: "CallConnected",
    activeCalls: [{ telephonyStatus: "CallConnected" }],
    totalActiveCalls: 1,
    sequence: 1,
    presenceStatus: "Busy",
    userStatus: "Available",
    dndStatus: "TakeAllCalls",
  });
  simulator.world.change(agentId, { dndStatus: "DoNotAcceptAnyCalls" });
  const second = (await socket.next()).body.body;
  expect(second).toMatchObject({ sequence: 2, dndStatus: "DoNotAcceptAnyCalls" });
  expect(second).not.toHaveProperty("telephonyStatus");
});

test("news of the account name one extension each, in the shapes that the switches say", async () => {
  await start({
    switches: { extensionIds: "number", telephonyStatus: "always", queueEvents: "flat" },
    newCallHandling: true,
  });
  const { socket } = await client.subscribe([`${account}/~/presence`, `${account}/~/call-queues/${queueId}/presence`]);
  simulator.world.change(agentId, { acceptQueueCalls: false });
  const { body } = await socket.next();
  expect(body.event).toBe(`${account}/37439510/extension/${agentId}/presence`);
  expect(body.body).toMatchObject({
    extensionId: Number(agentId),
    telephonyStatus: "NoCall",
    acceptCallQueueCalls: false,
  });
  expect(body.body).not.toHaveProperty("activeCalls");
  simulator.world.set(queueId, agentId, { acceptCurrentQueueCalls: false });
  expect((await socket.next()).body.body).toEqual({ extensionId: agentId, callQueueId: queueId, acceptCalls: false });
});

test("news come as late as the switch says, and tell what was true when it happened", async () => {
  const clock = new TestClock();
  await start({ ...clock.options, switches: { newsDelayMs: 2000, pingInterval: 0 } });
  const { socket } = await client.subscribe([`${account}/~/presence`]);
  simulator.world.change(agentId, onCall);
  clock.advance(1999);
  simulator.world.change(agentId, { telephonyStatus: "NoCall", presenceStatus: "Available" });
  expect(simulator.gateway.notices).toHaveLength(0);
  clock.advance(1);
  expect((await socket.next()).body.body).toMatchObject({ presenceStatus: "Busy", sequence: 1 });
  clock.advance(1999);
  expect((await socket.next()).body.body).toMatchObject({ presenceStatus: "Available", sequence: 2 });
  expect(simulator.gateway.notices.map(({ sentAt, changedAt }) => sentAt! - changedAt)).toEqual([2000, 2000]);
});

test("a fault of subscribe is an error, silence, or the end of the socket", async () => {
  await start();
  const { socket, answer } = await (async () => {
    simulator.faults.add({ kind: "internal-error", on: "subscribe" });
    return client.subscribe([`${account}/~/presence`]);
  })();
  expect(answer.meta.status).toBe(500);
  simulator.faults.add({ kind: "hang", on: "subscribe" }, { kind: "reset", on: "subscribe" });
  void socket.subscribe([`${account}/~/presence`]);
  void socket.subscribe([`${account}/~/presence`]);
  expect(await socket.closed).toBe(1006);
  expect(socket.left).toBe(0);
});
