import { expect, test } from "vitest";
import type { WorldChange } from "./news.ts";
import { World } from "./world.ts";

const life = (seed: number) => {
  const world = new World({ seed });
  for (let step = 0; step < 50; step++) world.tick();
  return JSON.stringify(world.queueIds.map((id) => world.queue(id)));
};

test("tick() lives the same life when the seed is the same", () => {
  expect(life(7)).toBe(life(7));
  expect(life(7)).not.toBe(life(8));
});

test("World puts every third agent in two queues when there is more than one", () => {
  const world = new World({ queues: 2, agents: 6 });
  expect(world.queueIds.map((id) => world.truth(id).total)).toEqual([4, 4]);
  expect(new World({ queues: 400, agents: 2000 }).queueIds).toHaveLength(400);
});

test("truth() counts Do Not Disturb, opted-out members and calls apart", () => {
  const world = new World();
  const { id } = world.addQueue([
    {},
    { acceptQueueCalls: false },
    { acceptCurrentQueueCalls: false },
    { telephonyStatus: "Ringing" },
    { acceptCurrentQueueCalls: false, dndStatus: "DoNotAcceptAnyCalls" },
  ]);
  expect(world.truth(id)).toEqual({
    total: 5,
    accepting: 3,
    optedOut: 2,
    doNotDisturb: 2,
    available: 2,
    onCall: 1,
    idle: 1,
    offline: 0,
  });
});

test("set() tells every queue of the agent of a change of the agent, and one of a change of the membership", () => {
  const world = new World({ queues: 2, agents: 3 });
  const [first, second] = world.queueIds as [string, string];
  const shared = world
    .queue(second)
    .members.find(({ agent }) => world.queue(first).members.some((member) => member.agent === agent))!.agent.id;
  const told: WorldChange[] = [];
  const end = world.subscribe((change) => told.push(change));

  world.set(first, shared, { acceptCurrentQueueCalls: false });
  expect(told.splice(0)).toEqual([{ queueId: first, extensionId: shared }]);
  world.set(first, shared, { acceptQueueCalls: false });
  expect(told.splice(0).map(({ queueId }) => queueId)).toEqual([first, second]);
  world.set(first, shared, { acceptQueueCalls: false });
  expect(told).toEqual([]);
  expect(world.truth(second).doNotDisturb).toBe(1);

  end();
  world.setAll(second, { acceptCurrentQueueCalls: false });
  expect(told).toEqual([]);
  expect(world.truth(second).accepting).toBe(0);
});

test("set() says what there is when queue or member is not known", () => {
  const world = new World({ queues: 1, agents: 1 });
  expect(() => world.set("5", 0, {})).toThrow('Cannot find queue "5"');
  expect(() => world.set(world.queueIds[0]!, 9, {})).toThrow('Cannot change member "9"');
});
