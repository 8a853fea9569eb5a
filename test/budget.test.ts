import { setTimeout as pause } from "node:timers/promises";
import { timestampMs } from "@bufbuild/protobuf/wkt";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Availability, Reason, Source } from "../gen/availability/v1/availability_pb.ts";
import { newApp } from "./support/connections.ts";
import { destinationOf } from "./support/destinations.ts";
import { LeapingClock } from "./support/leaping-clock.ts";
import { type RunningService, startService } from "./support/service.ts";
import { watching } from "./support/watching.ts";

let clock: LeapingClock;
let service: RunningService;
beforeEach(async () => {
  clock = new LeapingClock();
  const limits = { light: 50 };
  service = await startService({ simulator: { queues: 60, agents: 60, limits }, clock });
  // Without push, which would read less.
  await service.connect({ oauth: newApp(service.simulator, "polling", { scope: "ReadAccounts ReadPresence" }).jwt });
});
afterEach(() => service.stop());

/** One destination for each of so many queues. */
async function destinations(count: number, maxAgeMs: number): Promise<string[]> {
  const queueIds = service.simulator.world.queueIds.slice(0, count);
  const configured = queueIds.map((queueId, at) =>
    service.configure({ id: `d-${at}`, queueId, connectionId: "main", maxAgeMs }),
  );
  return await Promise.all(configured);
}

const reads = () => service.simulator.requests.filter(({ on }) => on === "queue-presence");

/** Lets a second pass when what was asked is answered, so that both sides count the same. */
async function aSecond(): Promise<void> {
  await expect
    .poll(() => reads().every(({ status }) => status !== undefined), { interval: 5, timeout: 5000 })
    .toBe(true);
  clock.leap(1000);
  await pause(10);
}

describe("60 queues of which 50 a minute may be read", () => {
  test("are watched for minutes without going over the limit, and Checks go first", async () => {
    const ids = await destinations(60, 60_000);
    const stream = watching(service.availability, { destinationIds: ids });
    const known = new Set<string>();
    const heard = stream.until(({ event }) => {
      if (event.case === "availability" && event.value.reason === Reason.CRITERIA_MET) {
        known.add(event.value.destinationId);
      }
      return known.size === ids.length;
    });
    const answers: Availability[] = [];
    for (let second = 0; second < 240; second++) {
      await aSecond();
      // Eight a minute, of what is far from due, while watchers wait for more than there is.
      if (second >= 60 && second % 8 === 0) answers.push(await service.check(ids[second % 60]!, { maxAgeMs: 0 }));
    }
    await heard;
    stream.leave();
    for (const answer of answers) expect(answer).toMatchObject({ source: Source.LIVE, reason: Reason.CRITERIA_MET });
    expect(reads().filter(({ status }) => status !== 200)).toEqual([]);
    expect(service.simulator.limits.most("light")).toBeLessThanOrEqual(50);
    // And what is allowed is used.
    expect(reads().length).toBeGreaterThan(3 * 40);
  });

  test("are Checked all at once: 50 are answered, the others are told at once when to come again", async () => {
    const ids = await destinations(60, 60_000);
    const answers = await Promise.all(ids.map((id) => service.check(id, { maxAgeMs: 0 })));
    const refused = answers.filter(({ reason }) => reason === Reason.UPSTREAM_RATE_LIMITED);
    expect(answers.filter(({ source }) => source === Source.LIVE)).toHaveLength(50);
    expect(refused).toHaveLength(10);
    for (const { retryAt } of refused) expect(timestampMs(retryAt!)).toBeGreaterThan(clock.now());
    expect(reads()).toHaveLength(50);
    const { groups } = await service.connection();
    expect(groups.find(({ name }) => name === "light")).toMatchObject({ limit: 50, left: 0 });
    clock.leap(Math.max(...refused.map(({ retryAt }) => timestampMs(retryAt!))) - clock.now() + 1000);
    const [late] = refused;
    expect(await service.check(late!.destinationId, { maxAgeMs: 0 })).toMatchObject({ source: Source.LIVE });
    expect(reads().filter(({ status }) => status !== 200)).toEqual([]);
  });
});

test("a demand that the limit cannot meet is warned of by Configure and ListConnections", async () => {
  const { world } = service.simulator;
  while (world.queueIds.length < 400) world.addQueue(0);
  const { availability } = service.by("grpc-js on the gRPC port");
  const configure = (queueId: string) =>
    availability.configure({
      destination: destinationOf(service.simulator, { id: `of-${queueId}`, queueId, connectionId: "main" }),
    });
  await Promise.all(world.queueIds.slice(0, 399).map(configure));
  const description = "400 queues at 10 s need 2,400 reads a minute, the limit is 50: expect 10 min without push";
  const { warnings } = await configure(world.queueIds[399]!);
  expect(warnings).toContainEqual(
    expect.objectContaining({ field: "destination.freshness.max_age", reason: "DEMAND_EXCEEDS_LIMIT", description }),
  );
  const { connections } = await service.connections.listConnections({});
  expect(connections[0]!.warnings).toContainEqual(
    expect.objectContaining({ field: "connection", reason: "DEMAND_EXCEEDS_LIMIT", description }),
  );
  expect(connections[0]).toMatchObject({ destinationCount: 400, demandCount: 0 });
});

test("a 429 of the edge, which names no time, keeps everything of the connection away for a minute", async () => {
  const [first, second] = await destinations(2, 60_000);
  await service.check(first!);
  service.simulator.clearRequests();
  service.simulator.faults.add({ kind: "rate-limited-at-edge" });
  const limited = await service.check(first!, { maxAgeMs: 0 });
  const endsAt = timestampMs(limited.retryAt!);
  expect(limited).toMatchObject({ reason: Reason.UPSTREAM_RATE_LIMITED });
  expect(endsAt - reads()[0]!.at).toBeGreaterThanOrEqual(60_000);
  expect(endsAt - clock.now()).toBeLessThanOrEqual(60_000);
  const light = async () => (await service.connection()).groups.find(({ name }) => name === "light")!;
  expect(timestampMs((await light()).penaltyUntil!)).toBe(endsAt);
  clock.leap(endsAt - clock.now() - 5000);
  expect(await service.check(second!)).toMatchObject({
    reason: Reason.UPSTREAM_RATE_LIMITED,
    retryAt: limited.retryAt,
  });
  expect(reads()).toHaveLength(1);
  // No configuration ends it.
  await service.configure({ id: second!, queueId: service.simulator.world.queueIds[1]!, connectionId: "main" });
  expect(await service.check(second!)).toMatchObject({ reason: Reason.UPSTREAM_RATE_LIMITED });
  expect(reads()).toHaveLength(1);
  clock.leap(5000);
  expect(await service.check(second!)).toMatchObject({ source: Source.LIVE });
  expect((await light()).penaltyUntil).toBeUndefined();
});

test("the groups of a connection show limit, what is left, and the end of a penalty", async () => {
  const [first, second] = await destinations(2, 60_000);
  expect((await service.connection()).groups).toEqual([]);
  await service.check(first!);
  await service.check(second!);
  const groups = async () => new Map((await service.connection()).groups.map((group) => [group.name, group]));
  expect((await groups()).get("light")).toMatchObject({ limit: 50, left: 48 });
  expect((await groups()).get("auth")).toMatchObject({ limit: 5, left: 4 });
  const { limits, oauth } = service.simulator;
  limits.penalize(`${oauth.app("polling").ownerId}@polling`, "light");
  expect(await service.check(first!, { maxAgeMs: 0 })).toMatchObject({ reason: Reason.UPSTREAM_RATE_LIMITED });
  const penalized = (await groups()).get("light")!;
  expect(penalized).toMatchObject({ limit: 50, left: 0 });
  expect(timestampMs(penalized.penaltyUntil!)).toBeGreaterThan(clock.now());
});
