import { expect, test } from "vitest";
import { startSimulator } from "./server.ts";
import { TestClient } from "./test-client.ts";
import { TestClock } from "./test-clock.ts";
import { World } from "./world.ts";

const BEGIN = Date.UTC(2026, 0, 5);

function loaded(options: { seed?: number; callsPerSecond?: number } = {}) {
  let now = BEGIN;
  const world = new World({ queues: 400, agents: 2000, queuesPerAgent: 4, now: () => now });
  const { callsPerSecond = 30, seed = 1 } = options;
  world.load({ callsPerSecond, seed });
  return {
    world,
    advance(ms: number) {
      now += ms;
      world.advanceTo(now);
    },
  };
}

const onCall = (world: World) => world.agents.filter(({ telephonyStatus }) => telephonyStatus !== "NoCall").length;

test("load() keeps a company of 400 queues busy, and lives the same life when the seed is the same", () => {
  const lives = [1, 1, 2].map((seed) => {
    const { world, advance } = loaded({ seed });
    advance(180_000);
    return { busy: onCall(world), life: JSON.stringify(world.agents) };
  });
  // 30 calls a second of 45 seconds; some find nobody.
  expect(lives[0]!.busy).toBeGreaterThan(900);
  expect(lives[0]!.busy).toBeLessThan(1500);
  expect(lives[0]!.life).toBe(lives[1]!.life);
  expect(lives[0]!.life).not.toBe(lives[2]!.life);
});

test("load() gives the same whether time goes in one leap or in steps", () => {
  const [leaping, stepping] = [loaded(), loaded()];
  leaping.advance(20_000);
  for (let step = 0; step < 200; step++) stepping.advance(100);
  expect(JSON.stringify(stepping.world.agents)).toBe(JSON.stringify(leaping.world.agents));
});

test("load(undefined) ends it", () => {
  const { world, advance } = loaded();
  advance(10_000);
  world.load(undefined);
  const before = JSON.stringify(world.agents);
  advance(60_000);
  expect([JSON.stringify(world.agents), world.nextAt]).toEqual([before, undefined]);
});

test("truthAt() is what truth() was at that time", () => {
  const { world, advance } = loaded({ callsPerSecond: 100 });
  const queues = world.queueIds.slice(0, 40);
  const seen = [];
  for (let step = 0; step < 30; step++) {
    advance(997);
    for (const id of queues) seen.push({ id, at: BEGIN + (step + 1) * 997, truth: world.truth(id) });
  }
  expect(new Set(seen.map(({ truth }) => JSON.stringify(truth))).size).toBeGreaterThan(20);
  for (const { id, at, truth } of seen) expect(world.truthAt(id, at)).toEqual(truth);
});

test("truthsBetween() has everything that was true for a while", () => {
  let now = BEGIN;
  const world = new World({ queues: 1, agents: 2, now: () => now });
  const [id] = world.queueIds as [string];
  for (const [ms, change] of [
    [10, { acceptCurrentQueueCalls: false }],
    [10, { acceptCurrentQueueCalls: true, telephonyStatus: "Ringing" }],
    [10, { telephonyStatus: "NoCall" }],
  ] as const) {
    now += ms;
    world.set(id, 0, change);
  }
  const idle = (from: number, to: number) =>
    world.truthsBetween(id, BEGIN + from, BEGIN + to).map((truth) => truth.idle);
  expect(idle(0, 9)).toEqual([2]);
  expect(idle(0, 30)).toEqual([2, 1, 1, 2]);
  expect(idle(15, 25)).toEqual([1, 1]);
  expect(world.membersAt(id, BEGIN + 15)[0]).toMatchObject({ acceptCurrentQueueCalls: false });
});

test("truthAt() forgets what is over when told how long to remember", () => {
  let now = BEGIN;
  const world = new World({ queues: 1, agents: 1, now: () => now, rememberMs: 1000 });
  const [id] = world.queueIds as [string];
  const flip = (acceptCurrentQueueCalls: boolean) => {
    now += 2000;
    world.set(id, 0, { acceptCurrentQueueCalls });
  };
  flip(false);
  flip(true);
  expect(world.truthAt(id, BEGIN + 1).accepting).toBe(0);
  expect(world.truthAt(id, now).accepting).toBe(1);
});

test("startSimulator() moves the load by its clock, and every answer is what is true at its time", async () => {
  const clock = new TestClock();
  const simulator = await startSimulator({ ...clock.options, queues: 10, agents: 50, load: { callsPerSecond: 20 } });
  const client = new TestClient(simulator);
  const [id] = simulator.world.queueIds as [string];
  try {
    for (let step = 0; step < 20; step++) {
      clock.advance(1500);
      const { records } = (await client.get(`/restapi/v1.0/account/~/call-queues/${id}/presence`)).json;
      const accepting = records.filter((record: Record<string, boolean>) => record.acceptCurrentQueueCalls).length;
      expect(accepting).toBe(simulator.world.truthAt(id, clock.now()).accepting);
    }
    expect(onCall(simulator.world)).toBeGreaterThan(5);
    simulator.load(undefined);
    expect(simulator.world.nextAt).toBeUndefined();
  } finally {
    await client.close();
    await simulator.close();
  }
});
