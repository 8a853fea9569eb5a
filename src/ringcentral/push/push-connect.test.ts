import { expect, test } from "vitest";
import { Secret } from "../../lib/secret.ts";
import { extension, livePush, optIn, queue, queuePath, testPush } from "./test-push.ts";

const QUEUE = queue("1");

test("want() connects with a token of its own, in the query, when the uri has a query already", async () => {
  const { clock, gateway, start } = testPush();
  gateway.uri = "wss://push.example/ws?region=a%20b#x";
  const push = start();
  push.want([QUEUE]);
  await clock.advance(1_000);
  expect(gateway.last.url.href).toBe("wss://push.example/ws?region=a%20b&access_token=ws%20token%261");
  expect(push.state).toBe("LIVE");
});

test("want() sends nothing before the first frame", async () => {
  const { clock, gateway, start } = testPush();
  gateway.onConnect = () => "handled";
  start().want([QUEUE]);
  await clock.advance(10_500);
  expect([gateway.last.received, gateway.last.pings]).toEqual([[], 0]);
});

test.each([
  [
    "an Error frame",
    [
      { type: "Error", status: 403 },
      { errorCode: "WSG-401", message: "no" },
    ],
    "no",
  ],
  ["another first frame", [{ type: "ServerNotification" }, { event: "/x", body: {} }], "no ConnectionDetails"],
  ["a refusal in the first frame", [{ type: "ConnectionDetails", status: 503 }], "HTTP 503"],
])("want() takes %s for a refusal and tries again", async (_, frame, words) => {
  const { clock, gateway, start } = testPush();
  gateway.onConnect = (connection) => {
    connection.send(frame);
    return "handled";
  };
  const push = start();
  push.want([QUEUE]);
  await clock.advance(1_000);
  expect(push.state).toBe("DOWN");
  expect(push.lastFailure?.failure.message).toContain(words);
  expect(gateway.last.closedByClient).toBe(true);
  gateway.onConnect = () => "proceed";
  await clock.advance(1_500);
  expect(push.state).toBe("LIVE");
});

test("want() gives a socket 10 s for its first frame", async () => {
  const { clock, gateway, start } = testPush();
  gateway.onConnect = () => "handled";
  const push = start();
  push.want([QUEUE]);
  await clock.advance(10_999);
  expect([push.state, push.lastFailure]).toEqual(["CONNECTING", undefined]);
  await clock.advance(1);
  expect(push.lastFailure?.failure.reason).toBe("UPSTREAM_TIMEOUT");
});

test("want() refuses an address that is none of a WebSocket", async () => {
  const { clock, gateway, start } = testPush();
  gateway.uri = "https://push.example/ws";
  const push = start();
  push.want([QUEUE]);
  await clock.advance(1_000);
  expect(gateway.connections).toEqual([]);
  expect(push.lastFailure?.failure.message).toBe("Cannot connect to push: RingCentral names no address of a WebSocket");
});

test("coverage begins when the subscription is confirmed, not when it was asked for", async () => {
  const { clock, gateway, start } = testPush();
  gateway.latency = () => 100;
  const push = start();
  push.want([QUEUE]);
  await clock.advance(1_000);
  const sent = clock.now() + 200;
  await clock.advance(399);
  expect([gateway.last.asked.length, push.coverageOf(QUEUE)]).toEqual([1, undefined]);
  await clock.advance(1);
  expect(push.coverageOf(QUEUE)).toEqual({ since: sent + 200, aliveAt: sent, live: true });
});

test("a subscribe request that fails is tried again after a pause of its own", async () => {
  const { clock, gateway, start } = testPush();
  gateway.onSubscribe = () => ({ status: 403, body: { errorCode: "SUB-505", message: "Too many subscriptions" } });
  const push = start();
  push.want([QUEUE]);
  await clock.advance(1_000);
  expect(push.lastFailure?.failure.message).toBe(
    'Cannot subscribe to presence: RingCentral denies permission (HTTP 403 SUB-505, "Too many subscriptions")',
  );
  gateway.onSubscribe = () => undefined;
  await clock.advance(1_000);
  expect([push.state, gateway.tokenCalls.length]).toEqual(["LIVE", 2]);
});

test("a subscribe request that is not answered is given up after 10 s", async () => {
  const { clock, gateway, start } = testPush();
  gateway.onSubscribe = () => ({ status: 0 });
  const push = start();
  push.want([QUEUE]);
  await clock.advance(10_999);
  expect(push.lastFailure).toBeUndefined();
  await clock.advance(1);
  expect(push.lastFailure?.failure.message).toContain(
    "Cannot subscribe to presence: RingCentral did not answer in time",
  );
});

test("disabled filters have no coverage and are told once; the rest lives", async () => {
  const { clock, gateway, start, told } = testPush();
  const answer = (asked: readonly string[]) => ({
    status: 200,
    body: {
      eventFilters: asked.filter((path) => path.includes("call-queues/1/")).map((path) => path.replace("~", "77")),
      disabledFilters: [
        { filter: "/restapi/v1.0/account/77/extension/9/presence", reason: "SUB-403", message: "not his" },
      ],
    },
  });
  gateway.onSubscribe = answer;
  const push = start();
  push.want([QUEUE, extension("9"), queue("2")]);
  await clock.advance(1_000);
  expect(told.refused).toEqual([
    { filter: extension("9"), reason: "SUB-403", message: "not his" },
    { filter: queue("2"), reason: "NOT_CONFIRMED", message: "RingCentral's answer does not name it" },
  ]);
  expect([push.state, push.coverageOf(QUEUE)?.live]).toEqual(["LIVE", true]);
  expect([push.coverageOf(extension("9")), push.coverageOf(queue("2"))]).toEqual([undefined, undefined]);
  push.want([QUEUE, extension("9"), queue("2"), queue("3")]);
  await clock.advance(5_000);
  expect(told.refused.map(({ filter }) => filter)).toEqual([extension("9"), queue("2"), queue("3")]);
});

test("a filter that spoils the whole subscription is left out when the answer names it", async () => {
  const { clock, gateway, start, told } = testPush();
  gateway.onSubscribe = (asked) =>
    asked.length < 3
      ? undefined
      : { status: 400, body: { errors: [{ errorCode: "SUB-508", message: `Invalid: [${asked[1]}]` }] } };
  const push = start();
  push.want([queue("1"), queue("12"), extension("1")]);
  await clock.advance(1_000);
  expect(told.refused.map(({ filter, reason }) => [filter, reason])).toEqual([[queue("12"), "SUB-508"]]);
  expect(gateway.last.asked).toHaveLength(2);
  expect([push.state, gateway.tokenCalls.length]).toEqual(["LIVE", 1]);
});

test("a token that comes after it was given up is not used", async () => {
  const { clock, gateway, start } = testPush();
  let give: () => void = () => {};
  gateway.onToken = () =>
    new Promise((resolve) => {
      give = () => resolve({ ok: true, uri: gateway.uri, token: new Secret("late") });
    });
  const push = start();
  push.want([QUEUE]);
  await clock.advance(16_000);
  expect(push.lastFailure?.failure.reason).toBe("UPSTREAM_TIMEOUT");
  give();
  await clock.advance(0);
  expect(gateway.connections).toEqual([]);
});

test("close() leaves no timer and no socket, and tells nobody anything more", async () => {
  const { clock, gateway, push, told } = await livePush([QUEUE]);
  const before = told.coverage.length;
  gateway.publish(queuePath("1"), optIn("5", true));
  await push.close();
  await clock.advance(0);
  expect([clock.pending, gateway.openConnections]).toEqual([0, []]);
  expect([told.events, told.coverage.length]).toEqual([[], before]);
});

test("close() leaves nothing when a token is awaited or a socket is being opened", async () => {
  const first = testPush();
  first.gateway.onToken = () => new Promise(() => {});
  const waiting = first.start();
  waiting.want([QUEUE]);
  await first.clock.advance(1_000);
  await waiting.close();
  await first.clock.advance(0);
  expect([first.clock.pending, first.gateway.tokenCalls.length]).toEqual([0, 1]);

  const second = testPush();
  second.gateway.onConnect = () => "handled";
  const opening = second.start();
  opening.want([QUEUE]);
  await second.clock.advance(1_000);
  await opening.close();
  await second.clock.advance(0);
  expect([second.clock.pending, second.gateway.openConnections]).toEqual([0, []]);
});

test("a listener that throws stops nothing", async () => {
  const { clock, gateway, push, told, world } = await livePush([QUEUE]);
  world.onEvent = () => {
    throw new Error("broken");
  };
  gateway.publish(queuePath("1"), optIn("5", true));
  gateway.publish(queuePath("1"), optIn("5", false));
  await clock.advance(1_000);
  expect([told.events.length, push.state]).toEqual([2, "LIVE"]);
});
