import { expect, test } from "vitest";
import { livePush, optIn, queue, queuePath, testPush } from "./test-push.ts";

// How one socket takes over from another, and which filters go where.

const [ONE, TWO, THREE] = [queue("1"), queue("2"), queue("3")];

test("want() opens the next socket before the old one is closed, and what stays keeps its coverage", async () => {
  const { clock, gateway, push, told } = await livePush([ONE, TWO]);
  gateway.latency = () => 100;
  const { since } = push.coverageOf(ONE)!;
  push.want([ONE, THREE]);
  await clock.advance(1_000);
  let alive = push.coverageOf(ONE)!.aliveAt;
  let both = 0;
  while (gateway.connections.length < 2 || gateway.openConnections.length > 1) {
    await clock.advance(50);
    if (gateway.openConnections.length === 2) both++;
    const coverage = push.coverageOf(ONE)!;
    expect([coverage.live, coverage.since, coverage.aliveAt >= alive]).toEqual([true, since, true]);
    alive = coverage.aliveAt;
  }
  expect(both).toBeGreaterThan(3);
  await clock.advance(400);
  expect([push.coverageOf(ONE)?.since, push.coverageOf(TWO)]).toEqual([since, undefined]);
  expect(push.coverageOf(THREE)?.since).toBeGreaterThan(since);
  expect(told.coverage.slice(-2)).toEqual([["queue:2"], ["queue:1", "queue:3"]]);
});

test("events that both sockets tell are told in order, and before coverage passes them", async () => {
  const { clock, gateway, push, told, world } = await livePush([ONE]);
  gateway.latency = () => 100;
  push.want([ONE, TWO]);
  await clock.advance(1_000);
  const publishedAt: number[] = [];
  const aliveAts: number[] = [];
  world.onEvent = () => aliveAts.push(push.coverageOf(ONE)!.aliveAt);
  for (let round = 0; round < 40; round++) {
    publishedAt.push(clock.now());
    gateway.publish(queuePath("1"), { records: [{ member: { id: round + 1 }, acceptCurrentQueueCalls: true }] });
    await clock.advance(30);
  }
  await clock.advance(500);
  expect(push.coverageOf(TWO)?.live).toBe(true);
  const ids = told.events.map((event) =>
    event.kind === "queue" ? event.members.map((m) => Number(m.extensionId)) : [],
  );
  expect(new Set(ids.flat()).size).toBe(40);
  for (const [at, members] of ids.entries()) {
    // What the old socket told before may be among what the new one held; the newest of it is news.
    const newest = Math.max(...members);
    expect(aliveAts[at]).toBeLessThanOrEqual(publishedAt[newest - 1]!);
    expect(newest).toBeGreaterThanOrEqual(Math.max(0, ...ids.slice(0, at).flat()));
  }
});

test("want() waits until it has been quiet for 1 s, or for 10 s at most", async () => {
  const { clock, gateway, start } = testPush();
  const push = start();
  for (let count = 1; count <= 12; count++) {
    push.want(Array.from({ length: count }, (_, at) => queue(String(at + 1))));
    await clock.advance(900);
    expect(gateway.tokenCalls.length).toBe(count * 900 >= 10_000 ? 1 : 0);
  }
  expect(gateway.last.asked).toHaveLength(12);
});

test("want() does nothing when the set is the same", async () => {
  const { clock, gateway, push } = await livePush([ONE, TWO]);
  push.want([TWO, ONE]);
  await clock.advance(20_000);
  expect(gateway.connections).toHaveLength(1);
});

test("the old socket goes on when the next one fails", async () => {
  const { clock, gateway, push, told } = await livePush([ONE]);
  gateway.onSubscribe = () => ({ status: 500 });
  push.want([ONE, TWO]);
  await clock.advance(3_000);
  expect([gateway.connections.length, gateway.openConnections.length]).toEqual([2, 1]);
  gateway.publish(queuePath("1"), optIn("5", true));
  await clock.advance(500);
  expect([told.events.length, push.coverageOf(ONE)?.live, push.state]).toEqual([1, true, "LIVE"]);
});

test("coverage begins anew, with what the next socket held, when the old one is cut before it could hand over", async () => {
  const { clock, gateway, push, told } = await livePush([ONE]);
  const [old] = gateway.connections;
  old!.pongs = false;
  push.want([ONE, TWO]);
  await clock.advance(1_500);
  const confirmedAt = clock.now() - 500;
  gateway.tell(gateway.last.session, queuePath("1"), optIn("5", true));
  await clock.advance(0);
  expect(told.events).toEqual([]);
  old!.cut();
  await clock.advance(0);
  expect([told.events.length, gateway.connections.length]).toEqual([1, 2]);
  for (const filter of [ONE, TWO]) {
    expect(push.coverageOf(filter)).toEqual({ since: confirmedAt, aliveAt: confirmedAt, live: true });
  }
});

test("the old session is resumed when it is cut while the next one is being opened", async () => {
  const { clock, gateway, push } = await livePush([ONE]);
  const { since } = push.coverageOf(ONE)!;
  gateway.onSubscribe = () => ({ status: 0 });
  push.want([ONE, TWO]);
  await clock.advance(1_000);
  gateway.connections[0]!.cut();
  await clock.advance(1_500);
  expect(gateway.connections[1]!.closedByClient).toBe(true);
  expect([gateway.last.url.searchParams.get("wsc"), push.coverageOf(ONE)?.since]).toEqual(["session-0 0", since]);
});

test("the new session is resumed, nothing lost, when it is cut just after the old one was closed", async () => {
  const { clock, gateway, push, told } = await livePush([ONE]);
  gateway.latency = () => 100;
  const { since } = push.coverageOf(ONE)!;
  push.want([ONE, TWO]);
  while (!gateway.connections[0]!.closedByClient) await clock.advance(10);
  gateway.tell(gateway.last.session, queuePath("1"), optIn("5", true));
  await clock.advance(110);
  expect(told.events).toEqual([]);
  gateway.last.cut();
  gateway.tell(gateway.last.session, queuePath("2"), optIn("6", true));
  await clock.advance(3_000);
  expect([told.events.length, push.coverageOf(ONE)?.since, push.coverageOf(TWO)?.live]).toEqual([2, since, true]);
});

test("close() saves nothing to resume by while events are held that nobody was told", async () => {
  const { clock, gateway, push, saves } = await livePush([ONE]);
  gateway.latency = () => 100;
  push.want([ONE, TWO]);
  while (!gateway.connections[0]!.closedByClient) await clock.advance(10);
  await push.close();
  expect(saves.at(-1)!.shards).toEqual([]);
});

test.each([
  ["idleTimeout", { idleTimeout: 100 }, 100],
  ["absoluteTimeout", { absoluteTimeout: 200, idleTimeout: 9_999 }, 200],
])("a session is renewed before RingCentral's %s, without a gap", async (_, details, seconds) => {
  const { clock, gateway, start } = testPush();
  gateway.details = details;
  const push = start();
  push.want([ONE]);
  await clock.advance(1_000);
  const { since } = push.coverageOf(ONE)!;
  await clock.advance(seconds * 850 - 1);
  expect(gateway.connections).toHaveLength(1);
  await clock.advance(1);
  await clock.advance(10);
  expect([gateway.connections.length, gateway.openConnections.length]).toEqual([2, 1]);
  expect(push.coverageOf(ONE)).toEqual({ since, aliveAt: expect.any(Number), live: true });
});

test("a session with traffic is not renewed for idleness", async () => {
  const { clock, gateway, start } = testPush();
  gateway.details = { idleTimeout: 100 };
  start().want([ONE]);
  for (let round = 0; round < 10; round++) {
    await clock.advance(50_000);
    gateway.publish(queuePath("1"), optIn("5", round % 2 === 0));
  }
  expect(gateway.connections).toHaveLength(1);
});

test("a subscription is renewed before it expires, and not believed after it did", async () => {
  const { clock, gateway, start } = testPush();
  const body = { eventFilters: ["/restapi/v1.0/account/77/call-queues/1/presence"], expiresIn: 600 };
  gateway.onSubscribe = () => ({ status: 200, body });
  const push = start();
  push.want([ONE]);
  await clock.advance(1_000);
  const { since } = push.coverageOf(ONE)!;
  await clock.advance(509_999);
  expect(gateway.connections).toHaveLength(1);
  await clock.advance(1_000);
  expect([gateway.connections.length, push.coverageOf(ONE)?.since]).toEqual([2, since]);
  gateway.onConnect = () => "handled";
  await clock.advance(598_000);
  expect(push.coverageOf(ONE)?.live).toBe(true);
  await clock.advance(2_000);
  expect([push.coverageOf(ONE)?.live, push.lastFailure?.failure.message]).toEqual([
    false,
    "Cannot listen to push: the subscription has expired",
  ]);
});

test("filters are dealt to sockets that hold no more than allowed, one after the other", async () => {
  const { clock, gateway, start } = testPush({ filtersPerSocket: 2 });
  gateway.latency = () => 100;
  const push = start();
  push.want(["1", "2", "3", "4", "5"].map(queue));
  await clock.advance(1_250);
  expect(gateway.connections).toHaveLength(1);
  await clock.advance(3_000);
  expect(gateway.connections.map(({ asked }) => asked.length)).toEqual([2, 2, 1]);
  expect(push.state).toBe("LIVE");
});

test("a filter stays where it is: only the sockets that change are replaced, and one without filters goes", async () => {
  const { clock, gateway, push } = await livePush(["1", "2", "3", "4"].map(queue), { filtersPerSocket: 2 });
  await clock.advance(60_000);
  push.want(["1", "2", "3", "7"].map(queue));
  await clock.advance(3_000);
  expect(gateway.connections.map(({ asked }) => asked.length)).toEqual([2, 2, 2]);
  expect(gateway.connections[0]!.closedByClient).toBe(false);
  push.want([THREE]);
  await clock.advance(70_000);
  expect(gateway.openConnections.map(({ asked }) => asked)).toEqual([
    ["/restapi/v1.0/account/~/call-queues/3/presence"],
  ]);
  push.want([]);
  await clock.advance(2_000);
  expect([gateway.openConnections, push.state, push.coverageOf(THREE)]).toEqual([[], "NONE", undefined]);
});
