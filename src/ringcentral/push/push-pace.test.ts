import { expect, test } from "vitest";
import { livePush, queue, testPush } from "./test-push.ts";

// Tokens for sockets are calls of the Auth group, which renewing the access token needs too.

const QUEUE = queue("1");

test("tokens are asked for after 1, 5, 15, 30 and 60 s when nothing can be connected to", async () => {
  const { clock, gateway, start } = testPush();
  gateway.onConnect = (connection) => {
    connection.cut();
    return "handled";
  };
  start().want([QUEUE]);
  await clock.advance(240_000);
  const gaps = gateway.tokenCalls.slice(1).map((at, before) => at - gateway.tokenCalls[before]!);
  // The fourth would be within a minute of the first.
  expect(gaps).toEqual([1_000, 5_000, 54_000, 30_000, 60_000, 60_000]);
});

test("no more than three tokens are asked for in any minute, by all shards and however often sockets are cut", async () => {
  const { clock, gateway, push } = await livePush(["1", "2", "3", "4", "5"].map(queue), { filtersPerSocket: 1 });
  for (let round = 0; round < 300; round++) {
    for (const connection of gateway.openConnections) connection.cut();
    if (round % 7 === 0) push.want(["1", "2", "3", "4", String(6 + round)].map(queue));
    await clock.advance(1_700);
  }
  const { tokenCalls } = gateway;
  const inAMinute = tokenCalls.map((from) => tokenCalls.filter((at) => at >= from && at < from + 60_000).length);
  expect([Math.max(...inAMinute), tokenCalls.length > 20]).toEqual([3, true]);
});

test("changes leave one token of the minute to a shard that is down", async () => {
  const { clock, gateway, push } = await livePush([QUEUE]);
  for (let count = 2; count < 8; count++) {
    push.want(Array.from({ length: count }, (_, at) => queue(String(at + 1))));
    await clock.advance(3_000);
  }
  expect(gateway.tokenCalls).toHaveLength(2);
  gateway.last.cut();
  await clock.advance(0);
  expect(gateway.tokenCalls).toHaveLength(3);
  await clock.advance(60_000);
  expect([gateway.last.asked.length, push.state]).toEqual([7, "LIVE"]);
});

test("a failing token's own time is obeyed, and its failure shown", async () => {
  const { clock, gateway, start } = testPush();
  const failure = {
    reason: "UPSTREAM_RATE_LIMITED",
    scope: "budget",
    message: "Cannot get a token for push: limit",
  } as const;
  gateway.onToken = () => Promise.resolve({ ok: false, failure, until: clock.now() + 47_000 });
  const push = start();
  push.want([QUEUE]);
  await clock.advance(1_000);
  expect([push.state, push.lastFailure]).toEqual(["DOWN", { failure, at: clock.now() }]);
  gateway.onToken = () => undefined;
  await clock.advance(46_999);
  expect(gateway.tokenCalls).toHaveLength(1);
  await clock.advance(1);
  expect([push.state, push.lastFailure?.failure]).toEqual(["LIVE", failure]);
});

test("a shard that cannot subscribe does not keep the others from it", async () => {
  const { clock, gateway, start } = testPush({ filtersPerSocket: 1 });
  gateway.onSubscribe = (asked) =>
    asked[0]!.includes("/1/") ? { status: 403, body: { errorCode: "SUB-528" } } : undefined;
  const push = start();
  push.want([QUEUE, queue("2")]);
  await clock.advance(1_000);
  expect([push.coverageOf(QUEUE), push.coverageOf(queue("2"))?.live]).toEqual([undefined, true]);
  await clock.advance(60_000);
  expect(gateway.tokenCalls.length).toBeLessThanOrEqual(4);
});
