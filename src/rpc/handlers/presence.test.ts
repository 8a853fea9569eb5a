import { Code } from "@connectrpc/connect";
import { expect, test } from "vitest";
import { Reason, Source } from "../../../gen/availability/v1/availability_pb.ts";
import { type Configured, startWorld } from "../../availability/test-world.ts";
import { agents, unknownAgent } from "../../presence/test-reader.ts";
import type { UpstreamCall } from "../../upstream/attempt-span.ts";
import { pageToken } from "../paging.ts";
import { clientsOf } from "./test-client.ts";

/** A destination "a" that was read once, as two agents who accept and one who does not. */
async function start(given: Partial<Configured> = {}) {
  const world = startWorld();
  world.configure("a", given);
  const { destinations } = clientsOf({ board: world.board });
  world.check("a", { maxWaitMs: 1 });
  const called = world.reader.count > 0;
  if (called) world.reader.last.answer(agents(2, 1));
  await world.clock.advance(0);
  return { ...world, ...destinations };
}

const call = (attempt: number, rest: Partial<UpstreamCall> = {}): UpstreamCall => ({
  at: 1_767_614_400_123.25,
  method: "GET",
  path: "/presence",
  status: 200,
  tookMs: 12.5,
  reason: undefined,
  rcRequestId: undefined,
  traceId: "",
  attempt,
  ...rest,
});

test("getPresence() answers the agents of the newest snapshot and calls nobody, however old it is", async () => {
  const { clock, reader, getPresence } = await start();
  const observed = BigInt(clock.now() / 1000);
  await clock.advance(3_600_000);
  const { count } = reader;
  const answer = await getPresence({ destinationId: "a" });
  expect(answer).toMatchObject({ source: Source.CACHE });
  expect(answer.observedAt?.seconds).toBeGreaterThanOrEqual(observed);
  expect(answer.agents.map((agent) => [agent.extensionNumber, agent.acceptCurrentQueueCalls])).toEqual([
    ["100", true],
    ["101", true],
    ["102", false],
  ]);
  expect(answer.agents[0]).not.toHaveProperty("dndStatus");
  expect(reader.count).toBe(count);
});

test("getPresence() keeps the newest snapshot when a read failed, and shows unknown fields as absent", async () => {
  const { clock, reader, check, getPresence } = await start();
  check("a", { maxAgeMs: 0 });
  reader.last.fail("UPSTREAM_UNAVAILABLE");
  await clock.advance(0);
  expect((await getPresence({ destinationId: "a" })).agents).toHaveLength(3);
  await clock.advance(1_000);
  check("a", { maxAgeMs: 0 });
  reader.last.answer(unknownAgent());
  await clock.advance(0);
  const { agents: found } = await getPresence({ destinationId: "a" });
  expect(found).toHaveLength(1);
  expect(found[0]?.acceptCurrentQueueCalls).toBeUndefined();
});

test("getPresence() answers only whom only_extensions names", async () => {
  const { getPresence } = await start({ onlyExtensions: ["101"] });
  const answer = await getPresence({ destinationId: "a" });
  expect(answer.agents.map(({ extensionNumber }) => extensionNumber)).toEqual(["101"]);
});

test("getPresence() answers nothing from NONE when nothing was read, and calls nobody", async () => {
  const { reader, configure, getPresence } = await start({ disabled: true });
  configure("b");
  for (const destinationId of ["a", "b"]) {
    const answer = await getPresence({ destinationId });
    expect(answer).toMatchObject({ agents: [], source: Source.NONE });
    expect(answer.observedAt).toBeUndefined();
  }
  expect(reader.count).toBe(0);
});

test("listUpstreamCalls() answers each call whole, newest first", async () => {
  const { standing, listUpstreamCalls } = await start();
  const { calls } = standing("a");
  calls.add(call(1, { status: 503, reason: "UPSTREAM_UNAVAILABLE", rcRequestId: "rc-1", traceId: "0f".repeat(16) }));
  calls.add(call(2));
  const answer = await listUpstreamCalls({ destinationId: "a" });
  expect(answer).toMatchObject({
    calls: [
      {
        time: { seconds: 1_767_614_400n, nanos: 123_250_000 },
        method: "GET",
        path: "/presence",
        status: 200,
        latency: { seconds: 0n, nanos: 12_500_000 },
        reason: Reason.UNSPECIFIED,
        rcRequestId: "",
        traceId: "",
        attempt: 2,
      },
      { status: 503, reason: Reason.UPSTREAM_UNAVAILABLE, rcRequestId: "rc-1", traceId: "0f".repeat(16), attempt: 1 },
    ],
    nextPageToken: "",
  });
});

test("listUpstreamCalls() gives each of the last 100 once, page by page, while more are made", async () => {
  const { standing, listUpstreamCalls } = await start();
  const { calls } = standing("a");
  for (let n = 1; n <= 120; n++) calls.add(call(n));
  const first = await listUpstreamCalls({ destinationId: "a" });
  expect(first.calls.map(({ attempt }) => attempt)).toEqual(Array.from({ length: 50 }, (_, i) => 120 - i));
  calls.add(call(121));
  const rest = await listUpstreamCalls({ destinationId: "a", pageSize: 1000, pageToken: first.nextPageToken });
  expect(rest.calls[0]?.attempt).toBe(70);
  expect(rest.calls).toHaveLength(49); // the oldest is no more one of the last 100
  expect(rest.nextPageToken).toBe("");
});

test("listUpstreamCalls() refuses a token that is none of its own, and a size below 0", async () => {
  const { listUpstreamCalls } = await start();
  const invalid = { code: Code.InvalidArgument };
  for (const token of ["x", pageToken("a"), Buffer.from("calls:0").toString("base64url")])
    await expect(listUpstreamCalls({ destinationId: "a", pageToken: token }), token).rejects.toMatchObject(invalid);
  await expect(listUpstreamCalls({ destinationId: "a", pageSize: -1 })).rejects.toMatchObject(invalid);
});

test("getPresence() and listUpstreamCalls() are NOT_FOUND when there is no such destination", async () => {
  const { getPresence, listUpstreamCalls } = await start();
  for (const ask of [getPresence, listUpstreamCalls]) {
    await expect(ask({ destinationId: "b" })).rejects.toMatchObject({ code: Code.NotFound });
    await expect(ask({ destinationId: "" })).rejects.toMatchObject({ code: Code.InvalidArgument });
  }
});
