import { Agent } from "undici";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Fault } from "./faults.ts";
import { type Simulator, startSimulator } from "./server.ts";

let simulator: Simulator;
let client: Agent;
let queueId: string;

beforeEach(async () => {
  client = new Agent();
  simulator = await startSimulator();
  queueId = simulator.world.queueIds[0]!;
});
afterEach(async () => {
  await client.destroy();
  await simulator.close();
});

async function get(options: { queue?: string; signal?: AbortSignal } = {}) {
  const answer = await client.request({
    origin: simulator.origin,
    path: `/restapi/v1.0/account/~/call-queues/${options.queue ?? queueId}/presence`,
    method: "GET",
    headers: { authorization: `Bearer ${simulator.token}` },
    ...(options.signal ? { signal: options.signal } : {}),
  });
  return { status: answer.statusCode, headers: answer.headers, text: await answer.body.text() };
}

const answers: [Fault, number, string][] = [
  [{ kind: "unauthorized" }, 401, "OAU-213"],
  [{ kind: "forbidden" }, 403, '"CMN-401"'],
  [{ kind: "forbidden", of: "user", permission: "X" }, 403, '"CMN-408"'],
  [{ kind: "not-found" }, 404, "groupId"],
  [{ kind: "not-found", status: 400 }, 400, "CMN-102"],
  [{ kind: "rate-limited" }, 429, "CMN-301"],
  [{ kind: "rate-limited-at-edge" }, 429, "429 Too Many Requests."],
  [{ kind: "internal-error" }, 500, "CMN-203"],
  [{ kind: "maintenance" }, 503, "CMN-211"],
  [{ kind: "proxy-error", status: 504 }, 504, "nginx"],
  [{ kind: "html" }, 200, "<!DOCTYPE html>"],
  [{ kind: "no-records" }, 200, "{ }"],
  [{ kind: "redirect", location: "/elsewhere" }, 302, ""],
  [{ kind: "answer", status: 418, body: "tea" }, 418, "tea"],
];

test.for(answers)("faults answer %o", async ([fault, status, part]) => {
  simulator.faults.add(fault);
  const answer = await get();
  expect(answer.status).toBe(status);
  expect(answer.text).toContain(part);
  expect(simulator.requests[0]).toMatchObject({ fault: fault.kind, status, queueId });
  expect((await get()).status).toBe(200);
});

test("faults carry the headers that tell when to come back", async () => {
  simulator.faults.add({ kind: "rate-limited", retryAfter: 7 }, { kind: "rate-limited", retryAfter: null });
  simulator.faults.add(
    { kind: "maintenance", retryAfter: 9 },
    { kind: "redirect", location: "http://127.0.0.1:9/x", status: 307 },
  );
  const limited = await get();
  expect(limited.headers).toMatchObject({
    "retry-after": "7",
    "x-rate-limit-group": "light",
    "x-rate-limit-remaining": "0",
  });
  expect((await get()).headers["retry-after"]).toBeUndefined();
  expect((await get()).headers["retry-after"]).toBe("9");
  expect((await get()).headers.location).toBe("http://127.0.0.1:9/x");
});

test("add() keeps a fault for its queue and for as many requests as it says", async () => {
  const other = simulator.world.queueIds[1]!;
  simulator.faults.add({ kind: "internal-error", queueId: other, times: 2 });
  const statuses = [];
  for (const queue of [queueId, other, queueId, other, other]) statuses.push((await get({ queue })).status);
  expect(statuses).toEqual([200, 500, 200, 500, 200]);

  simulator.faults.add({ kind: "internal-error", times: Number.POSITIVE_INFINITY });
  expect([(await get()).status, (await get()).status]).toEqual([500, 500]);
  simulator.faults.clear();
  expect((await get()).status).toBe(200);
});

test("faults leave flags out of as many records as they say", async () => {
  simulator.faults.add({ kind: "flag-missing", flag: "acceptCurrentQueueCalls", records: 1 });
  simulator.faults.add({ kind: "flag-missing", flag: "acceptQueueCalls" });
  const missing = async (flag: string) =>
    JSON.parse((await get()).text).records.filter((record: object) => !(flag in record)).length;
  expect(await missing("acceptCurrentQueueCalls")).toBe(1);
  expect(await missing("acceptQueueCalls")).toBe(simulator.world.truth(queueId).total);
});

test("faults break bodies and connections", async () => {
  simulator.faults.add({ kind: "reset" });
  await expect(get()).rejects.toThrow(expect.objectContaining({ code: "ECONNRESET" }));
  simulator.faults.add({ kind: "cut-body" });
  await expect(get()).rejects.toThrow(/closed|reset|terminated/i);
  simulator.faults.add({ kind: "not-json" });
  const { text } = await get();
  expect(() => JSON.parse(text)).toThrow("JSON");
  simulator.faults.add({ kind: "huge-body", bytes: 3_000_000 });
  const huge = await get();
  expect(huge.text.length).toBe(3_000_000);
  expect(JSON.parse(huge.text).records).toHaveLength(simulator.world.truth(queueId).total);
  expect(simulator.requests.map(({ status }) => status)).toEqual([undefined, 200, 200, 200]);
  expect(simulator.requests.map(({ broken }) => broken)).toEqual([true, true, false, false]);
});

test("faults delay the whole answer, or the body in pieces", async () => {
  const ordinary = (await get()).text;
  simulator.faults.add({ kind: "delay", ms: 30 }, { kind: "slow-body", ms: 30 });
  const began = performance.now();
  expect((await get()).text).toBe(ordinary);
  expect((await get()).text).toBe(ordinary);
  // Timers may fire a millisecond early.
  expect(performance.now() - began).toBeGreaterThan(50);
});

test("release() lets hanging requests have their answer", async () => {
  simulator.faults.add({ kind: "hang", times: 2 });
  const both = Promise.all([get(), get()]);
  await simulator.waitForRequests(2);
  expect(simulator.faults.hanging).toBe(2);
  simulator.faults.release();
  expect((await both).map(({ status }) => status)).toEqual([200, 200]);
  expect(simulator.faults.hanging).toBe(0);
});

test("close() leaves nothing running when requests hang, wait or dribble", async () => {
  const running = () => process.getActiveResourcesInfo().filter((kind) => kind === "Timeout").length;
  const before = running();
  simulator.faults.add({ kind: "hang" }, { kind: "delay", ms: 3_600_000 }, { kind: "slow-body", ms: 3_600_000 });
  const all = Promise.allSettled([get(), get(), get()]);
  await simulator.waitForRequests(3);
  await simulator.close();
  expect((await all).map(({ status }) => status)).toEqual(["rejected", "rejected", "rejected"]);
  expect(simulator.faults.hanging).toBe(0);
  expect(process.getActiveResourcesInfo().filter((kind) => kind === "TCPServerWrap")).toEqual([]);
  expect(running()).toBeLessThanOrEqual(before);
});

test("requests says that the client went away when it did not wait for the answer", async () => {
  simulator.faults.add({ kind: "hang" });
  const leaving = new AbortController();
  const left = get({ signal: leaving.signal }).catch((error: Error) => error.name);
  await simulator.waitForRequests(1);
  leaving.abort();
  expect(await left).toBe("AbortError");
  await expect.poll(() => simulator.requests[0]).toMatchObject({ broken: true, status: undefined });
  expect(simulator.faults.hanging).toBe(0);
});
