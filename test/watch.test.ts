import { once } from "node:events";
import { type ClientHttp2Stream, connect } from "node:http2";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { timestampMs } from "@bufbuild/protobuf/wkt";
import { Code } from "@connectrpc/connect";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { Reason, Source } from "../gen/availability/v1/availability_pb.ts";
import {
  DestinationUnknown_Cause,
  type WatchHeartbeat,
  WatchRequestSchema,
  type WatchResponse,
  WatchResponseSchema,
} from "../gen/availability/v1/availability_service_pb.ts";
import { RetryInfoSchema } from "../gen/google/rpc/error_details_pb.ts";
import { ALL_WAYS, BOTH_PORTS } from "./support/clients.ts";
import type { DestinationSketch } from "./support/destinations.ts";
import { type RunningService, startService } from "./support/service.ts";
import { kindsOf, watching } from "./support/watching.ts";

const out = { acceptCurrentQueueCalls: false };
const back = { acceptCurrentQueueCalls: true };

let service: RunningService;
beforeAll(async () => {
  service = await startService({ simulator: { queues: 0 } });
});
// Every test leaves its streams; the service must notice.
afterEach(() => vi.waitUntil(async () => (await watchers()) === 0, { interval: 10, timeout: 5000 }));
afterAll(() => service.stop());

const watchers = () => service.metric("availability_watchers");

let made = 0;

/** A destination of a queue of two agents, read as often as its max_age of 300 ms wants. */
async function freshDestination(sketch: DestinationSketch = {}) {
  const { id: queueId } = service.simulator.world.addQueue(2);
  const id = await service.configure({ id: `queue-${++made}`, queueId, maxAgeMs: 300, ...sketch });
  return {
    id,
    queueId,
    requests: () => service.simulator.requests.filter((request) => request.queueId === queueId),
    set: (change: typeof out) => service.simulator.world.setAll(queueId, change),
  };
}

describe.each(BOTH_PORTS)("Watch() by %s", (way) => {
  const watch = (request: Parameters<typeof watching>[1]) => watching(service.by(way).availability, request);

  test("sends the state, synced, and then what changes, with versions that rise", async () => {
    const { id, set } = await freshDestination();
    const stream = watch({ destinationIds: [id] });
    await stream.untilKind("synced");
    expect(kindsOf(stream.events)).toEqual(["availability", "synced"]);
    expect(stream.events.map(({ resumeToken }) => resumeToken !== "")).toEqual([false, true]);
    expect(stream.events[0]!.event.value).toMatchObject({ reason: Reason.NOT_OBSERVED_YET, source: Source.NONE });
    const accepted = await stream.untilState(({ accepted }) => accepted);
    set(out);
    const rejected = await stream.untilState(({ reason }) => reason === Reason.CRITERIA_NOT_MET);
    set(back);
    const again = await stream.untilState(({ accepted }) => accepted);
    expect(rejected.version).toBeGreaterThan(accepted.version);
    expect(again.version).toBeGreaterThan(rejected.version);
    // The same answer as Check's, version and all.
    expect(await service.check(id, { way, maxWaitMs: 0, maxAgeMs: 60_000 })).toMatchObject({
      version: again.version,
      accepted: true,
      source: Source.CACHE,
    });
    stream.leave();
  });

  test("says unknown, then availability after Configure, then removed after Delete", async () => {
    const id = `later-${way.length}`;
    const stream = watch({ destinationIds: [id] });
    await stream.untilKind("synced");
    expect(stream.events[0]!.event).toMatchObject({
      case: "unknown",
      value: { destinationId: id, cause: DestinationUnknown_Cause.NOT_FOUND },
    });
    await freshDestination({ id });
    const { version } = await stream.untilState(({ accepted }) => accepted);
    await service.by(way).destinations.deleteDestination({ destinationId: id });
    const removed = await stream.untilKind("removed");
    expect(removed.event.value).toMatchObject({ destinationId: id });
    expect((removed.event.value as { version: bigint }).version).toBeGreaterThan(version);
    await freshDestination({ id });
    const anew = await stream.untilState(() => true);
    expect(anew.version).toBeGreaterThan((removed.event.value as { version: bigint }).version);
    stream.leave();
    await service.destinations.deleteDestination({ destinationId: id });
  });

  test("sends a heartbeat with the freshness of what was confirmed", async () => {
    const { id } = await freshDestination();
    const stream = watch({ destinationIds: [id], heartbeatInterval: { seconds: 1n } });
    const state = await stream.untilState(({ accepted }) => accepted);
    const hasFreshness = ({ event }: WatchResponse) => event.case === "heartbeat" && event.value.freshness.length > 0;
    const { event } = await stream.until(hasFreshness);
    stream.leave();
    const { serverTime, freshness } = event.value as WatchHeartbeat;
    expect(freshness).toHaveLength(1);
    const [fresh] = freshness;
    expect(fresh).toMatchObject({ destinationId: id, version: state.version });
    const observedAt = timestampMs(fresh!.observedAt!);
    expect(observedAt).toBeGreaterThan(timestampMs(state.observedAt!));
    expect(timestampMs(fresh!.validUntil!) - observedAt).toBe(300);
    expect(timestampMs(serverTime!)).toBeGreaterThanOrEqual(observedAt);
  });

  test("a passive watcher causes no call and sees what others cause", async () => {
    const { id, requests } = await freshDestination({ maxAgeMs: 60_000 });
    const stream = watch({ destinationIds: [id], passive: true, heartbeatInterval: { seconds: 1n } });
    await stream.untilKind("heartbeat");
    expect(requests()).toHaveLength(0);
    await service.check(id);
    await stream.untilState(({ accepted }) => accepted);
    expect(requests()).toHaveLength(1);
    stream.leave();
  });

  test("goes on from its resume token: of two destinations only the one that changed comes before synced", async () => {
    const [same, other] = [await freshDestination(), await freshDestination()];
    const query = { destinationIds: [same.id, other.id], passive: true };
    const first = watch(query);
    const { resumeToken } = await first.untilKind("synced");
    first.leave();
    await service.check(other.id);
    const second = watch({ ...query, resumeToken });
    await second.untilKind("synced");
    expect(kindsOf(second.events)).toEqual(["availability", "synced"]);
    expect(second.events[0]!.event.value).toMatchObject({ destinationId: other.id, accepted: true });
    await service.check(same.id);
    await second.untilState(({ destinationId }) => destinationId === same.id);
    second.leave();
    await service.destinations.deleteDestination({ destinationId: same.id });
    const third = watch({ ...query, resumeToken: second.events.at(-1)!.resumeToken });
    await third.untilKind("synced");
    expect(kindsOf(third.events)).toEqual(["removed", "synced"]);
    third.leave();
  });

  test("a resume token of another life or set is answered by resync and the whole state", async () => {
    const [{ id }, other] = [await freshDestination(), await freshDestination()];
    const first = watch({ destinationIds: [other.id], passive: true });
    const { resumeToken } = await first.untilKind("synced");
    first.leave();
    for (const token of [resumeToken, "of.another.life"]) {
      const second = watch({ destinationIds: [id], resumeToken: token, passive: true });
      await second.untilKind("synced");
      expect(kindsOf(second.events)).toEqual(["resync", "availability", "synced"]);
      second.leave();
    }
  });

  test("is refused with every violation", async () => {
    const error = await watch({
      destinationIds: ["a b", "ok"],
      heartbeatInterval: { seconds: 0n, nanos: 1 },
      labelSelector: { team: "x" },
    }).end();
    expect(error.code).toBe(Code.InvalidArgument);
    expect(error.message).toMatch(/and 2 more/);
  });
});

test("Watch() without ids follows everything a label selector selects, now and later", async () => {
  const team = { team: "blue" };
  const first = await freshDestination({ labels: team });
  await freshDestination({ labels: { team: "red" } });
  const stream = watching(service.availability, { labelSelector: team, passive: true });
  await stream.untilKind("synced");
  const second = await freshDestination({ labels: team });
  await stream.untilState(({ destinationId }) => destinationId === second.id);
  await service.configure({ id: first.id, queueId: first.queueId, labels: { team: "green" } });
  const { event } = await stream.untilKind("removed");
  expect(event.value).toMatchObject({ destinationId: first.id });
  const named = stream.events.flatMap(({ event }) =>
    event.case === "availability" ? [event.value.destinationId] : [],
  );
  expect(named).toEqual([first.id, second.id]);
  stream.leave();
});

test("Watch() tells every watcher the same, and reads once for all of them", async () => {
  const { id, set, requests } = await freshDestination({ maxAgeMs: 1000 });
  const streams = ALL_WAYS.map((way) => watching(service.by(way).availability, { destinationIds: [id] }));
  const states = await Promise.all(streams.map((stream) => stream.untilState(({ accepted }) => accepted)));
  expect(new Set(states.map(({ version }) => version)).size).toBe(1);
  expect(requests()).toHaveLength(1);
  expect(await watchers()).toBe(ALL_WAYS.length);
  set(out);
  const rejected = await Promise.all(streams.map((stream) => stream.untilState(({ accepted }) => !accepted)));
  expect(new Set(rejected.map(({ version }) => version)).size).toBe(1);
  for (const stream of streams) stream.leave();
});

test("reads end when the last active watcher leaves", async () => {
  const { id, requests } = await freshDestination();
  const stream = watching(service.availability, { destinationIds: [id] });
  await stream.untilState(({ accepted }) => accepted);
  stream.leave();
  await expect.poll(watchers, { interval: 10 }).toBe(0);
  const before = requests().length;
  // A passive watcher's heartbeat comes when several reads would have been due.
  const passive = watching(service.availability, {
    destinationIds: [id],
    passive: true,
    heartbeatInterval: { seconds: 1n },
  });
  await passive.untilKind("heartbeat");
  passive.leave();
  expect(requests().length - before).toBeLessThanOrEqual(1);
});

/** A gRPC Watch on a raw HTTP/2 stream, so that nothing is read that the test does not read. */
async function rawWatch(address: string, destinationIds: string[]) {
  // A small window, so that few messages fit on the way.
  const session = connect(`http://${address}`, { settings: { initialWindowSize: 2048 } });
  session.on("error", () => {});
  const stream: ClientHttp2Stream = session.request({
    ":method": "POST",
    ":path": "/availability.v1.AvailabilityService/Watch",
    "content-type": "application/grpc",
    te: "trailers",
  });
  const message = toBinary(WatchRequestSchema, create(WatchRequestSchema, { destinationIds, passive: true }));
  const frame = Buffer.alloc(5 + message.length);
  frame.writeUInt32BE(message.length, 1);
  frame.set(message, 5);
  stream.end(frame);
  await once(stream, "response");
  const chunks: Buffer[] = [];
  return {
    /** Reads until all these versions came; all messages. */
    async readUntil(versions: ReadonlySet<bigint>): Promise<WatchResponse[]> {
      for await (const chunk of stream.iterator({ destroyOnReturn: false })) {
        chunks.push(chunk as Buffer);
        const messages = parse(Buffer.concat(chunks));
        const came = new Set(messages.map(({ event }) => (event.case === "availability" ? event.value.version : 0n)));
        if (versions.isSubsetOf(came)) return messages;
      }
      throw new Error("Cannot read on: the stream ended");
    },
    close: () => session.destroy(),
  };
}

function parse(bytes: Buffer): WatchResponse[] {
  const messages: WatchResponse[] = [];
  for (let at = 0; at + 5 <= bytes.length; ) {
    const end = at + 5 + bytes.readUInt32BE(at + 1);
    if (end > bytes.length) break;
    messages.push(fromBinary(WatchResponseSchema, bytes.subarray(at + 5, end)));
    at = end;
  }
  return messages;
}

test.each(["grpc", "http"] as const)(
  "Watch() sends a reader on the %s port that stalled the newest states only, and holds up nobody else",
  async (port) => {
    const { id: queueId } = service.simulator.world.addQueue(2);
    const ids = Array.from({ length: 100 }, (_, i) => `${port}-${i}`);
    for (const id of ids) await service.configure({ id, queueId, maxAgeMs: 3_600_000 });
    const stalled = await rawWatch(service[port], ids);
    const quick = watching(service.availability, { destinationIds: ids, passive: true });
    await quick.untilKind("synced");
    // Each read changes all of them: 6,000 changes, some 700 KB of messages.
    const reads = 60;
    for (let i = 0; i < reads; i++) {
      service.simulator.world.setAll(queueId, i % 2 === 0 ? out : back);
      const { version } = await service.check(ids[0]!, { maxAgeMs: 0 });
      await quick.until(({ event }) => event.case === "availability" && event.value.version === version);
    }
    const newest = new Set(await Promise.all(ids.map(async (id) => (await service.check(id)).version)));
    // What the windows and buffers on the way hold was sent when it was new; all else was never made.
    const messages = await stalled.readUntil(newest);
    expect(messages.length).toBeLessThan((reads * ids.length) / 2);
    const seen = new Map<string, bigint>();
    for (const { event } of messages) {
      if (event.case !== "availability") continue;
      expect(event.value.version).toBeGreaterThan(seen.get(event.value.destinationId) ?? 0n);
      seen.set(event.value.destinationId, event.value.version);
    }
    stalled.close();
    quick.leave();
  },
);

test("a drain ends every Watch with UNAVAILABLE and RetryInfo, never with OK", async () => {
  const draining = await startService();
  const id = await draining.configure();
  const streams = ALL_WAYS.map((way) => watching(draining.by(way).availability, { destinationIds: [id] }));
  await Promise.all(streams.map((stream) => stream.untilKind("synced")));
  const ends = Promise.all(streams.map((stream) => stream.end()));
  const stopped = draining.stop();
  for (const [index, error] of (await ends).entries()) {
    expect(error.code, ALL_WAYS[index]).toBe(Code.Unavailable);
    expect(error.findDetails(RetryInfoSchema), ALL_WAYS[index]).toHaveLength(1);
  }
  await stopped;
});
