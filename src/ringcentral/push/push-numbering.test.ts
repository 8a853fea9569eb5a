import { expect, test } from "vitest";
import { livePush, optIn, queue, queuePath } from "./test-push.ts";

const QUEUE = queue("1");

/** A live Push whose events were numbered without a gap `count` times. */
async function numbered(count: number) {
  const world = await livePush([QUEUE]);
  for (let at = 0; at < count; at++) world.gateway.publish(queuePath("1"), optIn("5", at % 2 === 0));
  await world.clock.advance(1_000);
  const values = () =>
    world.told.events.flatMap((event) =>
      event.kind === "queue" ? event.members.map((m) => m.acceptCurrentQueueCalls) : [],
    );
  return { ...world, values };
}

test("frames that overtook each other are put in order by their numbers", async () => {
  const { clock, gateway, push, values } = await numbered(4);
  const { session } = gateway.last;
  gateway.loses = () => true;
  for (const value of [true, false, true]) gateway.publish(queuePath("1"), optIn("5", value));
  const [first, second, third] = session.messages.slice(-3);
  await clock.advance(100);
  const { aliveAt } = push.coverageOf(QUEUE)!;
  gateway.last.sendText(third!);
  gateway.last.sendText(second!);
  await clock.advance(900);
  expect([values(), push.coverageOf(QUEUE)?.aliveAt]).toEqual([[true, false, true, false], aliveAt]);
  gateway.last.sendText(first!);
  await clock.advance(2_000);
  expect(values()).toEqual([true, false, true, false, true, false, true]);
  expect([gateway.connections.length, push.coverageOf(QUEUE)!.aliveAt > aliveAt]).toEqual([1, true]);
});

test("a frame that is missing is fetched by resuming the session, and nothing is believed meanwhile", async () => {
  const { clock, gateway, push, values } = await numbered(4);
  const { since, aliveAt } = push.coverageOf(QUEUE)!;
  gateway.loses = () => true;
  gateway.publish(queuePath("1"), optIn("6", true));
  gateway.loses = () => false;
  gateway.publish(queuePath("1"), optIn("5", true));
  await clock.advance(999);
  expect([values().length, push.coverageOf(QUEUE)]).toEqual([4, { since, aliveAt, live: true }]);
  await clock.advance(1_001);
  expect(gateway.last.url.searchParams.get("wsc")).toBe("session-0 4");
  expect(values()).toEqual([true, false, true, false, true, true]);
  expect(push.coverageOf(QUEUE)).toEqual({ since, aliveAt: expect.any(Number), live: true });
});

test("numbers with gaps are left alone where they were never seen without", async () => {
  const { clock, gateway, push, values } = await numbered(2);
  let turn = 0;
  gateway.loses = () => turn++ % 2 === 0;
  for (let at = 0; at < 10; at++) gateway.publish(queuePath("1"), optIn("5", true));
  await clock.advance(5_000);
  expect([values().length, gateway.connections.length, push.state]).toEqual([7, 1, "LIVE"]);
});
