import { afterEach, expect, test } from "vitest";
import { type Simulator, type SimulatorOptions, startSimulator } from "./server.ts";
import { TestClient } from "./test-client.ts";

let simulator: Simulator;
let client: TestClient;

async function start(options: SimulatorOptions = {}) {
  simulator = await startSimulator(options);
  client = new TestClient(simulator);
}

afterEach(async () => {
  await client.close();
  await simulator.close();
});

const account = "/restapi/v1.0/account/~";
const ids = () => simulator.world.agents.map(({ id }) => id);

test("extension presence has the id as a number, and the statuses in the platform's order", async () => {
  await start();
  const [id] = ids() as [string];
  simulator.world.change(id, { telephonyStatus: "Ringing", presenceStatus: "Busy", dndStatus: "DoNotAcceptAnyCalls" });
  const { status, headers, text } = await client.get(`${account}/extension/${id}/presence`);
  const uri = `${simulator.origin}/restapi/v1.0/account/37439510/extension/${id}`;
  expect([status, headers["x-rate-limit-group"]]).toEqual([200, "light"]);
  expect(text).toBe(`{
  "uri" : "${uri}/presence",
  "extension" : {
    "uri" : "${uri}",
    "id" : ${id},
    "extensionNumber" : "12101"
  },
  "presenceStatus" : "Busy",
  "telephonyStatus" : "Ringing",
  "userStatus" : "Available",
  "dndStatus" : "DoNotAcceptAnyCalls",
  "meetingStatus" : "Disconnected",
  "allowSeeMyPresence" : true,
  "ringOnMonitoredCall" : false,
  "pickUpCallsOnHold" : false
}`);
  const { json } = await client.get(`${account}/extension/${id}/presence?detailedTelephonyState=true`);
  expect(json).toMatchObject({ activeCalls: [{ telephonyStatus: "Ringing" }], totalActiveCalls: 1 });
});

test("extension presence tells Do Not Disturb by its new fields when the account is on the new call handling", async () => {
  await start({ newCallHandling: true });
  const [id] = ids() as [string];
  const shown = async () => (await client.get(`${account}/extension/${id}/presence`)).json;
  expect(await shown()).toMatchObject({ dndStatusPersonal: "TakeAllCalls", acceptCallQueueCalls: true });
  expect(await shown()).not.toHaveProperty("dndStatus");
  simulator.world.change(id, { dndStatus: "DoNotAcceptDepartmentCalls" });
  expect(await shown()).toMatchObject({ dndStatusPersonal: "TakeAllCalls", acceptCallQueueCalls: false });
  simulator.world.change(id, { dndStatus: "DoNotAcceptAnyCalls" });
  expect(await shown()).toMatchObject({ dndStatusPersonal: "DoNotAcceptAnyCalls", acceptCallQueueCalls: true });
});

test("extension presence of several is 207, each with its own status", async () => {
  await start();
  const [first, second] = ids() as [string, string];
  const queueId = simulator.world.queueIds[0]!;
  simulator.world.change(second, { allowSeeMyPresence: false });
  const path = `${account}/extension/${first},${second},5,${queueId}/presence`;
  const accept = "application/vnd.ringcentral.multipart+json";
  const { status, headers, json } = await client.get(path, { accept });
  expect([status, headers["content-type"], headers["x-rate-limit-remaining"]]).toEqual([207, accept, "49"]);
  expect(json).toMatchObject([
    { resourceId: first, status: 200, body: { extension: { id: Number(first) }, presenceStatus: "Available" } },
    { resourceId: second, status: 403, body: { errors: [{ errorCode: "CMN-408" }] } },
    { resourceId: "5", status: 404, body: { errors: [{ errorCode: "CMN-102", parameterName: "extensionId" }] } },
    { resourceId: queueId, status: 200, body: { presenceStatus: "Offline" } },
  ]);

  const mixed = await client.get(path);
  const boundary = /^multipart\/mixed;boundary=(.+)$/.exec(String(mixed.headers["content-type"]))?.[1];
  const parts = mixed.text.split(`--${boundary}`).slice(1, -1);
  const bodies = parts.map((part) => JSON.parse(part.split("\r\n\r\n")[1]!));
  expect(bodies[0].response.map(({ status }: { status: number }) => status)).toEqual([200, 403, 404, 200]);
  expect(bodies.slice(1)).toEqual(json.map(({ body }: { body: object }) => body));
  expect((await client.get(`${account}/extension/${second}/presence`)).status).toBe(403);
});

test("extension presence of several counts each when the switch says so, and takes thirty at most", async () => {
  await start({ agents: 40, switches: { bulkCalls: "each" } });
  const read = (count: number) => client.get(`${account}/extension/${ids().slice(0, count)}/presence`);
  expect((await read(30)).headers["x-rate-limit-remaining"]).toBe("20");
  expect((await read(21)).status).toBe(429);
  simulator.switches.bulkCalls = "one";
  simulator.limits.setLimit("light", 1000);
  simulator.tokens.add("other");
  const { status, json } = await client.get(`${account}/extension/${ids().slice(0, 31)}/presence`, { token: "other" });
  expect([status, json.errorCode]).toEqual([400, "InvalidMultipartRequest"]);
  expect(json.message).toBe("Extension Presence Info multipart request is limited to 30 extensions");
});

test("account presence comes in pages, of the heavy group", async () => {
  await start({ queues: 100, agents: 250 });
  simulator.world.change(ids()[1]!, { allowSeeMyPresence: false });
  const { headers, json } = await client.get(`${account}/presence`);
  expect([headers["x-rate-limit-group"], headers["x-rate-limit-limit"]]).toEqual(["heavy", "10"]);
  expect(Object.keys(json)).toEqual(["uri", "records", "navigation", "paging"]);
  expect(json.records).toHaveLength(100);
  expect(json.records[1]).toEqual({
    uri: expect.any(String),
    extension: expect.any(Object),
    allowSeeMyPresence: false,
  });
  expect(Object.entries(json.paging)).toEqual([
    ["page", 1],
    ["totalPages", 3],
    ["perPage", 100],
    ["totalElements", 250],
    ["pageStart", 0],
    ["pageEnd", 99],
  ]);
  const second = new URL(json.navigation.nextPage.uri);
  const last = (
    await client.get(
      `${new URL((await client.get(second.pathname + second.search)).json.navigation.nextPage.uri).pathname}?page=3`,
    )
  ).json;
  expect([last.records.length, "nextPage" in last.navigation, last.paging.pageEnd]).toEqual([50, false, 249]);
  expect((await client.get(`${account}/presence?perPage=5000`)).json).toMatchObject({
    paging: { perPage: 1000, totalPages: 1 },
  });
  const beyond = (await client.get(`${account}/presence?page=9`)).json;
  expect([beyond.records, "pageStart" in beyond.paging]).toEqual([[], false]);
  expect((await client.get(`${account}/presence?page=0`)).json.errors[0]).toMatchObject({
    errorCode: "CMN-101",
    parameterName: "page",
  });
});

test("call-queue presence of an extension has its queues, and the switch under another name", async () => {
  await start({ queues: 2, agents: 3 });
  const shared = simulator.world.agents.find(({ id }) => simulator.world.queuesOf(id).length === 2)!.id;
  const [first] = simulator.world.queueIds as [string];
  simulator.world.set(first, shared, { acceptCurrentQueueCalls: false });
  const { json } = await client.get(`${account}/extension/${shared}/call-queue-presence`);
  expect(json.records).toHaveLength(2);
  expect(json.records).toContainEqual({
    callQueue: { id: first, name: "Queue 1", extensionNumber: "3001", editableMemberStatus: true },
    acceptCalls: false,
  });
});

test("presence asks for ReadPresence, queues for ReadAccounts", async () => {
  await start();
  const none = simulator.oauth.issue({ scope: "ReadPresence" }).accessToken;
  const { status, json } = await client.get(`${account}/call-queues`, { token: none });
  expect([status, json.errorCode, json.permissionName]).toEqual([403, "InsufficientPermissions", "ReadAccounts"]);
  expect((await client.get(`${account}/presence`, { token: none })).status).toBe(200);
  const other = simulator.oauth.issue({ scope: "ReadAccounts" }).accessToken;
  expect((await client.get(`${account}/presence`, { token: other })).json.permissionName).toBe("ReadPresence");
});

test("maintenance leaves what is highly available", async () => {
  await start({ switches: { maintenance: { retryAfter: 40 } } });
  const queue = `${account}/call-queues/${simulator.world.queueIds[0]}`;
  const { status, headers, json } = await client.get(`${queue}/presence`);
  expect([status, headers["retry-after"], json.errors[0].errorCode]).toEqual([503, "40", "CMN-211"]);
  const paths = [
    `${account}/presence`,
    `${account}/extension/${ids()[0]}/presence`,
    `${account}/call-queues`,
    `${queue}/members`,
  ];
  for (const path of paths) expect((await client.get(path)).status).toBe(200);
  expect((await client.wsToken()).status).toBe(200);
  simulator.switches.maintenance = null;
  expect((await client.get(`${queue}/presence`)).status).toBe(200);
});
