import { expect, test } from "vitest";
import { filterKey } from "./push-filters.ts";
import type { SavedShard } from "./push-recovery.ts";
import { extension, extensionPath, livePush, optIn, queue, queuePath, testPush } from "./test-push.ts";

const QUEUE = queue("1");
const accepts = (...values: boolean[]) =>
  values.map((acceptCurrentQueueCalls) => ({
    kind: "queue" as const,
    queueId: "1",
    members: [{ extensionId: "5", acceptCurrentQueueCalls }],
  }));

test("a cut socket is resumed at once, by its newest token, and coverage goes on without a gap", async () => {
  const { clock, gateway, push, told } = await livePush([QUEUE]);
  const { since } = push.coverageOf(QUEUE)!;
  gateway.publish(queuePath("1"), optIn("5", true));
  await clock.advance(5_000);
  gateway.last.cut();
  await clock.advance(0);
  const stoodAt = push.coverageOf(QUEUE);
  expect(stoodAt).toEqual({ since, aliveAt: clock.now(), live: false });
  gateway.publish(queuePath("1"), optIn("5", false));
  expect(gateway.last.url.searchParams.get("wsc")).toBe("session-0 1");
  await clock.advance(999);
  expect([push.coverageOf(QUEUE), told.events.length]).toEqual([stoodAt, 1]);
  await clock.advance(1);
  expect(push.coverageOf(QUEUE)).toEqual({ since, aliveAt: clock.now(), live: true });
  expect([told.events, gateway.last.asked, told.coverage]).toEqual([
    accepts(true, false),
    [],
    [["queue:1"], ["queue:1"], ["queue:1"]],
  ]);
});

test("a replay that begins before the cut never turns a value back", async () => {
  const { clock, gateway, push, told } = await livePush([QUEUE]);
  const { session } = gateway.last;
  for (const value of [true, false, true]) gateway.publish(queuePath("1"), optIn("5", value));
  await clock.advance(1_000);
  gateway.last.cut();
  gateway.tell(session, queuePath("1"), optIn("5", false));
  await clock.advance(0);
  for (const text of session.messages) gateway.last.sendText(text);
  await clock.advance(1_000);
  expect(push.state).toBe("LIVE");
  expect(told.events).toEqual(accepts(true, false, true, false));
});

test("coverage begins anew on the same socket when the session cannot be resumed", async () => {
  const { clock, gateway, push } = await livePush([QUEUE]);
  gateway.resumable = false;
  await clock.advance(5_000);
  gateway.last.cut();
  await clock.advance(0);
  expect([gateway.connections.length, gateway.last.asked.length]).toEqual([2, 1]);
  expect(push.coverageOf(QUEUE)).toEqual({ since: clock.now(), aliveAt: clock.now(), live: true });
});

test("coverage begins anew when a replay is as long as RingCentral's buffer", async () => {
  const { clock, gateway, push } = await livePush([QUEUE]);
  gateway.bufferSize = 3;
  const { session } = gateway.last;
  gateway.last.cut();
  for (const value of [true, false, true]) gateway.tell(session, queuePath("1"), optIn("5", value));
  await clock.advance(1_000);
  expect([gateway.last.asked.length, push.coverageOf(QUEUE)?.since]).toEqual([1, clock.now()]);
});

test("a second cut before the replay is through loses nothing", async () => {
  const { clock, gateway, push, told } = await livePush([QUEUE]);
  const { since } = push.coverageOf(QUEUE)!;
  const { session } = gateway.last;
  gateway.last.cut();
  gateway.tell(session, queuePath("1"), optIn("5", true));
  await clock.advance(500);
  gateway.last.cut();
  await clock.advance(3_000);
  expect(gateway.last.url.searchParams.get("wsc")).toBe("session-0 0");
  expect([told.events, push.coverageOf(QUEUE)]).toEqual([
    accepts(true),
    { since, aliveAt: expect.any(Number), live: true },
  ]);
});

test("a session is not resumed after RingCentral's time for it", async () => {
  const { clock, gateway, push } = await livePush([QUEUE]);
  gateway.onToken = () =>
    Promise.resolve({
      ok: false,
      failure: { reason: "UPSTREAM_UNAVAILABLE", scope: "connection", message: "Cannot get a token for push: down" },
      until: clock.now() + 181_000,
    });
  gateway.last.cut();
  await clock.advance(180_000);
  expect([push.state, push.coverageOf(QUEUE)?.live]).toEqual(["DOWN", false]);
  gateway.onToken = () => undefined;
  await clock.advance(1_000);
  expect([gateway.last.url.searchParams.has("wsc"), push.coverageOf(QUEUE)?.since]).toEqual([false, clock.now()]);
});

test("nothing tries to resume what RingCentral refused to", async () => {
  const { clock, gateway, push } = await livePush([QUEUE]);
  gateway.onConnect = (connection) => {
    connection.send([{ type: "Error" }, { errorCode: "WSG-905" }]);
    gateway.onConnect = () => "proceed";
    return "handled";
  };
  gateway.last.cut();
  await clock.advance(1_000);
  expect([gateway.connections.length, gateway.last.url.searchParams.has("wsc")]).toEqual([3, false]);
  expect(push.state).toBe("LIVE");
});

test("news that cannot be read begin the coverage of what they were about anew", async () => {
  const filters = [QUEUE, queue("2"), extension("9")];
  const { clock, gateway, push, told } = await livePush(filters);
  const before = push.coverageOf(QUEUE)!.since;
  await clock.advance(4_000);
  gateway.publish(queuePath("2"), { surprise: true });
  await clock.advance(0);
  const sinces = () => filters.map((filter) => push.coverageOf(filter)!.since - before);
  expect([sinces(), told.coverage.at(-1)]).toEqual([[0, 4_000, 0], ["queue:2"]]);
  gateway.last.sendText("[{");
  await clock.advance(0);
  expect([sinces(), told.coverage.at(-1)]).toEqual([[4_000, 4_000, 4_000], filters.map(filterKey)]);
  gateway.last.send([{ type: "Weather" }, { sun: true }]);
  await clock.advance(500);
  expect(sinces()).toEqual([4_000, 4_000, 4_000]);
});

test("events of an extension are told without what a later one has told, within a session", async () => {
  const { clock, gateway, told } = await livePush([extension("9")]);
  const publish = (sequence: number, presence: object) => {
    gateway.publish(extensionPath("9"), { extensionId: 9, sequence, ...presence });
  };
  publish(7, { presenceStatus: "Busy" });
  publish(6, { presenceStatus: "Available", telephonyStatus: "Ringing" });
  publish(5, { presenceStatus: "Offline" });
  await clock.advance(0);
  gateway.resumable = false;
  gateway.last.cut();
  await clock.advance(0);
  publish(1, { presenceStatus: "Offline" });
  await clock.advance(0);
  expect(told.events.map((event) => event.kind === "extension" && [event.sequence, event.presence])).toEqual([
    [7, { presenceStatus: "Busy" }],
    [6, { telephonyStatus: "Ringing" }],
    [1, { presenceStatus: "Offline" }],
  ]);
});

test("what can be resumed is saved, at most every 5 s, and at close", async () => {
  const { clock, gateway, push, saves } = await livePush([QUEUE]);
  saves.length = 0;
  for (const value of [true, false, true, false]) {
    gateway.publish(queuePath("1"), optIn("5", value));
    await clock.advance(3_000);
  }
  const gaps = saves.slice(1).map(({ at }, before) => at - saves[before]!.at);
  expect([saves.length > 1, gaps.every((gap) => gap >= 5_000)]).toEqual([true, true]);
  await push.close();
  const [shard] = saves.at(-1)!.shards;
  expect([shard!.wsc.token.reveal(), shard!.filters]).toEqual([
    "session-0 4",
    [{ filter: QUEUE, since: push.coverageOf(QUEUE)!.since }],
  ]);
  expect(JSON.stringify(shard)).not.toContain("session-0");
});

test("a quiet session's proof of life is saved every minute", async () => {
  const { clock, saves } = await livePush([QUEUE]);
  await clock.advance(6_000);
  saves.length = 0;
  await clock.advance(180_000);
  expect(saves).toHaveLength(3);
});

test("the next life of the process resumes what was saved, and changes it afterwards", async () => {
  const { clock, gateway, push, saves, start, told } = await livePush([QUEUE, queue("2")]);
  const { since } = push.coverageOf(QUEUE)!;
  await push.close();
  gateway.publish(queuePath("1"), optIn("5", true));
  await clock.advance(100_000);
  const next = start(saves.at(-1)!.shards);
  next.want([QUEUE, queue("3")]);
  await clock.advance(2_000);
  expect(gateway.connections[1]!.url.searchParams.get("wsc")).toBe("session-0 0");
  expect([told.events, next.coverageOf(QUEUE)?.since]).toEqual([accepts(true), since]);
  await clock.advance(2_000);
  expect(next.coverageOf(QUEUE)).toEqual({ since, aliveAt: expect.any(Number), live: true });
  expect([next.coverageOf(queue("2")), next.coverageOf(queue("3"))?.live]).toEqual([undefined, true]);
});

test("the next life of the process takes nothing for known that is too old, or of a clock that was set back", async () => {
  const { clock, push, saves, gateway, start } = await livePush([QUEUE]);
  await push.close();
  const shards = saves.at(-1)!.shards;
  const future: SavedShard[] = shards.map((shard) => ({ ...shard, aliveAt: clock.now() + 1e6 }));
  for (const saved of [future, shards]) {
    const next = start(saved);
    if (saved === shards) await clock.advance(180_001);
    next.want([QUEUE]);
    await clock.advance(1_000);
    expect(gateway.last.url.searchParams.has("wsc")).toBe(false);
    await next.close();
  }
});

test("push starts without what it cannot load", async () => {
  const world = testPush();
  const push = world.start(Promise.reject(new Error("broken")) as never);
  push.want([QUEUE]);
  await world.clock.advance(1_000);
  expect(push.state).toBe("LIVE");
});
