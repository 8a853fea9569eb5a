import { expect, test } from "vitest";
import { livePush, optIn, queue, queuePath, testPush } from "./test-push.ts";

const QUEUE = queue("1");

test("aliveAt is when the ping was sent whose pong came, not when anything came", async () => {
  const { clock, gateway, push } = await livePush([QUEUE]);
  gateway.latency = () => 300;
  await clock.advance(2_000);
  const { aliveAt } = push.coverageOf(QUEUE)!;
  gateway.publish(queuePath("1"), optIn("5", true));
  await clock.advance(300);
  const now = clock.now();
  expect([push.coverageOf(QUEUE)!.aliveAt, now - aliveAt >= 600]).toEqual([aliveAt, true]);
  await clock.advance(1_000);
  expect(push.coverageOf(QUEUE)!.aliveAt).toBe(aliveAt + 1_000);
});

test("pings come with the interval as it is at the time, one at a time", async () => {
  const { clock, gateway } = await livePush([QUEUE], { pingIntervalMs: 500 });
  const before = gateway.last.pings;
  await clock.advance(10_000);
  expect(gateway.last.pings - before).toBe(20);
  gateway.last.pongs = false;
  await clock.advance(5_000);
  expect(gateway.last.pings - before).toBe(21);
});

test.each([
  [1_000, 10_000],
  [5_000, 15_000],
])("a session that is silent for three pings of %i ms, 10 s at least, is dead", async (pingIntervalMs, patience) => {
  const { clock, gateway, push } = await livePush([QUEUE], { pingIntervalMs });
  await clock.advance(20_000);
  const { aliveAt } = push.coverageOf(QUEUE)!;
  gateway.last.cut("silent");
  await clock.advance(patience - 1);
  expect(push.coverageOf(QUEUE)).toEqual({ since: expect.any(Number), aliveAt, live: true });
  await clock.advance(251);
  expect(push.coverageOf(QUEUE)).toEqual({ since: expect.any(Number), aliveAt, live: false });
  expect([gateway.connections[0]!.closedByClient, push.lastFailure?.failure.reason]).toEqual([
    true,
    "UPSTREAM_TIMEOUT",
  ]);
  await clock.advance(pingIntervalMs + 1_000);
  expect([gateway.connections.length, push.state]).toEqual([2, "LIVE"]);
});

test("frames and RingCentral's pings keep a session, but prove nothing of what is under way", async () => {
  const { clock, gateway, push } = await livePush([QUEUE]);
  await clock.advance(2_000);
  gateway.last.pongs = false;
  await clock.advance(1_000);
  const { aliveAt } = push.coverageOf(QUEUE)!;
  for (let round = 0; round < 6; round++) {
    await clock.advance(6_000);
    if (round % 2 === 0) gateway.last.sign("ping");
    else gateway.last.send([{ type: "ServerMetrics" }]);
  }
  expect([push.coverageOf(QUEUE)?.live, push.coverageOf(QUEUE)?.aliveAt]).toEqual([true, aliveAt]);
});

test("RingCentral's heartbeat is repeated", async () => {
  const { clock, gateway } = await livePush([QUEUE]);
  gateway.last.send([{ type: "Heartbeat", messageId: "h" }]);
  await clock.advance(0);
  expect(gateway.last.received.at(-1)).toEqual([{ type: "Heartbeat", messageId: "h" }]);
});

test("a heartbeat is sent after 30 s of silence where no ping was ever answered, and its echo proves as much", async () => {
  const { clock, gateway, start } = testPush();
  gateway.onConnect = (connection) => {
    connection.pongs = false;
    return "proceed";
  };
  const push = start();
  push.want([QUEUE]);
  await clock.advance(30_999);
  const heartbeats = () => gateway.last.received.filter(([{ type }]) => type === "Heartbeat");
  expect([heartbeats().length, push.state]).toEqual([0, "LIVE"]);
  await clock.advance(1);
  const sentAt = clock.now();
  expect(heartbeats()).toHaveLength(1);
  await clock.advance(5_000);
  gateway.last.send(heartbeats()[0]);
  await clock.advance(0);
  expect(push.coverageOf(QUEUE)?.aliveAt).toBe(sentAt);
  await clock.advance(40_500);
  expect(push.state).not.toBe("LIVE");
});

test("an Error frame ends a session", async () => {
  const { clock, gateway, push } = await livePush([QUEUE]);
  gateway.last.send([
    { type: "Error", status: 403 },
    { errorCode: "WSG-903", message: "Absolute timeout" },
  ]);
  await clock.advance(0);
  expect([gateway.connections[0]!.closedByClient, gateway.connections.length]).toEqual([true, 2]);
  expect(push.lastFailure?.failure.message).toContain("WSG-903");
});
