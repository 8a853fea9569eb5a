import { timestampMs } from "@bufbuild/protobuf/wkt";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { Reason, Source } from "../gen/availability/v1/availability_pb.ts";
import { ALL_WAYS } from "./support/clients.ts";
import { type RunningService, startService } from "./support/service.ts";

const AN_HOUR = 3_600_000;

let service: RunningService;
beforeAll(async () => {
  service = await startService({ simulator: { queues: 8, agents: 16 } });
});
afterEach(() => service.simulator.faults.clear());
afterAll(() => service.stop());

/** A destination of a queue that no other test asks about, and the requests for it. */
async function freshDestination(index: number, sketch: { maxAgeMs?: number; timeoutMs?: number } = {}) {
  const queueId = service.simulator.world.queueIds[index]!;
  const id = await service.configure({ id: `queue-${index}`, queueId, maxAgeMs: AN_HOUR, ...sketch });
  return { id, queueId, requests: () => service.simulator.requests.filter((request) => request.queueId === queueId) };
}

test("Check() reads once when 200 callers on both ports ask for what is stale", async () => {
  const { id, queueId, requests } = await freshDestination(0);
  // A snapshot is as old as its request: what came late is stale already.
  service.simulator.faults.add({ kind: "delay", ms: 1600, queueId }, { kind: "hang", queueId });
  expect(await service.check(id)).toMatchObject({ source: Source.LIVE });
  const before = await service.metric("availability_reads_coalesced_total");
  const checks = Array.from({ length: 200 }, (_, i) => service.check(id, { maxAgeMs: 1500, way: ALL_WAYS[i % 10]! }));
  // 199 of them are told by the metric to have joined the one that hangs.
  const joined = async () => (await service.metric("availability_reads_coalesced_total")) - before;
  await expect.poll(joined, { interval: 20, timeout: 10_000 }).toBe(199);
  service.simulator.faults.release();
  for (const answer of await Promise.all(checks)) {
    expect(answer).toMatchObject({ accepted: true, source: Source.LIVE, reason: Reason.CRITERIA_MET });
  }
  expect(requests()).toHaveLength(2);
});

test("Check() answers from memory while the snapshot is young enough, whoever asks", async () => {
  const { id, requests } = await freshDestination(1);
  const live = await service.check(id);
  for (const way of ALL_WAYS) {
    const cached = await service.check(id, { way });
    expect(cached).toMatchObject({ source: Source.CACHE, version: live.version, observedAt: live.observedAt });
  }
  expect(requests()).toHaveLength(1);
});

test("Check() with max_age 0 twice at once is answered by a read that was sent after it came", async () => {
  const { id, queueId, requests } = await freshDestination(2);
  await service.check(id);
  service.simulator.faults.add({ kind: "hang", queueId });
  const arrived = Date.now();
  const first = service.check(id, { maxAgeMs: 0 });
  await expect.poll(() => service.simulator.faults.hanging, { interval: 5 }).toBe(1);
  // Sent before this one came: it needs the next read, and the third caller joins the second.
  const before = await service.metric("availability_reads_coalesced_total");
  const later = [service.check(id, { maxAgeMs: 0 }), service.check(id, { maxAgeMs: 0 })];
  const joined = async () => (await service.metric("availability_reads_coalesced_total")) - before;
  await expect.poll(joined, { interval: 5 }).toBe(1);
  expect(requests()).toHaveLength(2);
  service.simulator.world.setAll(queueId, { acceptCurrentQueueCalls: false });
  service.simulator.faults.release();
  const answers = await Promise.all([first, ...later]);
  for (const { source, observedAt } of answers) {
    expect(source).toBe(Source.LIVE);
    expect(Number(observedAt!.seconds) * 1000 + observedAt!.nanos / 1e6).toBeGreaterThanOrEqual(arrived);
  }
  // The hanging answer is of the time the request came; the others were sent after the change.
  expect(answers.map(({ accepted }) => accepted)).toEqual([true, false, false]);
  expect(requests()).toHaveLength(3);
});

test("Check() says UPSTREAM_TIMEOUT to 50 callers when their one read hangs, and calls once", async () => {
  const { id, queueId, requests } = await freshDestination(3, { timeoutMs: 400 });
  service.simulator.faults.add({ kind: "hang", queueId, times: Number.POSITIVE_INFINITY });
  const checks = Array.from({ length: 50 }, () => service.check(id));
  await service.simulator.waitForRequests(1);
  const answers = await Promise.all(checks);
  expect(new Set(answers.map(({ reason }) => reason))).toEqual(new Set([Reason.UPSTREAM_TIMEOUT]));
  expect(answers.some(({ accepted }) => accepted)).toBe(false);
  // Who gave up a moment before the read was given up does not know yet when to come again.
  const retries = answers.flatMap(({ retryAt }) => (retryAt ? [timestampMs(retryAt)] : []));
  expect(retries.length).toBeGreaterThan(0);
  expect(requests().filter(({ at }) => at < Math.min(...retries) - 3)).toHaveLength(1);
});

test("Check() with max_wait 0 answers NOT_IN_TIME from memory and causes no read of its own", async () => {
  const { id, requests } = await freshDestination(4);
  expect(await service.check(id, { maxWaitMs: 0 })).toMatchObject({
    accepted: false,
    reason: Reason.NOT_IN_TIME,
    source: Source.NONE,
    version: 0n,
  });
  await service.check(id);
  expect(await service.check(id, { maxWaitMs: 0 })).toMatchObject({ accepted: true, source: Source.CACHE });
  expect(requests()).toHaveLength(1);
});

test("Check() answers NOT_IN_TIME, not an RPC error, when the caller's deadline comes before RingCentral's answer", async () => {
  const { id, queueId } = await freshDestination(5);
  service.simulator.faults.add({ kind: "hang", queueId });
  for (const way of ["grpc-js on the gRPC port", "Connect over h2c"] as const) {
    const { availability } = await service.by(way).availability.check({ destinationId: id }, { timeoutMs: 400 });
    expect(availability).toMatchObject({ accepted: false, reason: Reason.NOT_IN_TIME });
  }
  service.simulator.faults.release();
});

test("Check() shares one read between destinations that ask the same question by different criteria", async () => {
  const queueId = service.simulator.world.queueIds[6]!;
  const [token, maxAgeMs] = [service.simulator.token, AN_HOUR];
  const loose = await service.configure({ id: "loose", queueId, token, maxAgeMs });
  const strict = await service.configure({
    id: "strict",
    queueId,
    // The same token, as people paste it.
    token: `Bearer ${token}`,
    maxAgeMs,
    onlyExtensions: ["1"],
  });
  const answers = await Promise.all([service.check(loose), service.check(strict)]);
  expect(answers.map(({ accepted }) => accepted)).toEqual([true, false]);
  expect(answers[0].observedAt).toEqual(answers[1].observedAt);
  expect(service.simulator.requests.filter((request) => request.queueId === queueId)).toHaveLength(1);
});

test("the request is the one that RingCentral documents, and carries no trace context", () => {
  for (const { method, path, headers, authorization, traceparent } of service.simulator.requests) {
    expect(path).toMatch(/^\/restapi\/v1\.0\/account\/~\/call-queues\/\d+\/presence$/);
    expect({ method, authorization, traceparent }).toEqual({ method: "GET", authorization: true, traceparent: false });
    expect(headers["user-agent"]).toMatch(/availability/i);
  }
});
