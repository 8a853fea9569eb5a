import { afterEach, beforeEach, expect, test } from "vitest";
import { type Simulator, startSimulator } from "./server.ts";
import { TestClient } from "./test-client.ts";

let simulator: Simulator;
let client: TestClient;

beforeEach(async () => {
  simulator = await startSimulator({ control: true });
  client = new TestClient(simulator);
});
afterEach(async () => {
  await client.close();
  await simulator.close();
});

async function post(what: string, body: unknown) {
  const answer = await fetch(`${simulator.origin}/simulator/${what}`, { method: "POST", body: JSON.stringify(body) });
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
}

test("switches are set by name, and refused when they cannot be so", async () => {
  expect((await post("switches", { newsDelayMs: 5, queueEvents: "flat", maintenance: { retryAfter: 9 } })).status).toBe(
    200,
  );
  expect(simulator.switches).toMatchObject({ newsDelayMs: 5, queueEvents: "flat", maintenance: { retryAfter: 9 } });
  for (const bad of [{ mood: 1 }, { newsDelayMs: -1 }, { queueEvents: "odd" }, { maintenance: {} }, null]) {
    expect(await post("switches", bad)).toMatchObject({
      status: 400,
      body: { error: expect.stringMatching(/^Cannot set/) },
    });
  }
});

test("a load begins and ends", async () => {
  await post("load", { callsPerSecond: 5, talkSeconds: 10 });
  expect(simulator.world.nextAt).toBeGreaterThan(0);
  await post("load", { callsPerSecond: 0 });
  expect(simulator.world.nextAt).toBeUndefined();
  expect((await post("load", {})).status).toBe(400);
});

test("limits are set per group", async () => {
  await post("limits", { heavy: 1, light: null });
  const path = "/restapi/v1.0/account/~/presence";
  expect([(await client.get(path)).status, (await client.get(path)).status]).toEqual([200, 429]);
  expect((await post("limits", { huge: 1 })).status).toBe(400);
});

test("usage counts requests by what was asked and how it was answered, and the most in any window", async () => {
  await post("limits", { light: 1 });
  const [queueId] = simulator.world.queueIds;
  const path = `/restapi/v1.0/account/~/call-queues/${queueId}/presence`;
  for (let call = 0; call < 3; call++) await client.get(path);
  const answer = await fetch(`${simulator.origin}/simulator/usage`);
  expect(await answer.json()).toEqual({
    calls: { "queue-presence": { 200: 1, 429: 2 } },
    most: { light: 3, medium: 0, heavy: 0, auth: 0 },
  });
});

test("a change of a member says when it was, by the machine's own clock", async () => {
  const before = Number(process.hrtime.bigint()) / 1e6;
  const { body } = await post("agents", {
    queueId: simulator.world.queueIds[0],
    member: 0,
    acceptCurrentQueueCalls: false,
  });
  expect(body).toMatchObject({ optedOut: 1 });
  expect(body.monotonicMs).toBeGreaterThan(before);
});

test("tokens expire", async () => {
  const { accessToken } = simulator.oauth.issue({ refresh: true });
  expect((await post("tokens", { expire: "access" })).body).toEqual({ sessions: 1 });
  expect(simulator.oauth.identify(accessToken)).toBeUndefined();
  expect((await post("tokens", { expire: "sessions" })).body).toEqual({ sessions: 0 });
  expect((await post("tokens", {})).status).toBe(400);
});

test("sockets are cut, and what could be recovered is forgotten", async () => {
  const { socket } = await client.subscribe(["/restapi/v1.0/account/~/presence"]);
  expect((await post("sockets", { cut: "clean" })).status).toBe(200);
  expect(await socket.closed).toBe(1001);
  await expect.poll(() => simulator.gateway.sockets).toBe(0);
  expect((await post("sockets", { forget: true })).body).toEqual({ sockets: 0, sessions: 0 });
  expect((await post("sockets", { cut: "sideways" })).status).toBe(400);
});

test("faults name what they are on", async () => {
  expect((await post("faults", { kind: "internal-error", on: ["wstoken"] })).body).toEqual({ left: 1 });
  expect((await post("faults", { kind: "internal-error", on: "moon" })).status).toBe(400);
  expect((await client.wsToken()).status).toBe(500);
});

test("state shows switches, sessions and sockets", async () => {
  await client.subscribe(["/restapi/v1.0/account/~/presence"]);
  const state = await (await fetch(`${simulator.origin}/simulator/state`)).json();
  expect(state).toMatchObject({
    oauth: { sessions: 0 },
    gateway: { sockets: 1, sessions: 1, connections: [{ filters: [expect.any(String)] }] },
    switches: { gateway: "up" },
  });
});
