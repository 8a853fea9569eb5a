import { timestampMs } from "@bufbuild/protobuf/wkt";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Reason, Source, Verdict } from "../gen/availability/v1/availability_pb.ts";
import { DayOfWeek } from "../gen/availability/v1/destination_pb.ts";
import { BadRequestSchema } from "../gen/google/rpc/error_details_pb.ts";
import { BOTH_PORTS, errorOf } from "./support/clients.ts";
import { type DestinationInit, destinationOf } from "./support/destinations.ts";
import { type RunningService, startService } from "./support/service.ts";
import { watching } from "./support/watching.ts";

const A_MINUTE = 60_000;
const AN_HOUR = 60 * A_MINUTE;

const EVERY_DAY: DayOfWeek[] = [1, 2, 3, 4, 5, 6, 7];

type Hours = NonNullable<DestinationInit["schedule"]>;

let service: RunningService;
beforeAll(async () => {
  service = await startService({ simulator: { queues: 0 } });
});
afterAll(() => service.stop());

let made = 0;

/** A destination of a queue of one free agent, with these hours. */
async function withHours(schedule: Hours) {
  const { simulator } = service;
  const queueId = simulator.world.addQueue(1).id;
  const id = `case-${++made}`;
  await service.availability.configure({ destination: { ...destinationOf(simulator, { id, queueId }), schedule } });
  return { id, requests: () => simulator.requests.filter((request) => request.queueId === queueId) };
}

/** A range of the week in UTC, from and to so many hours from now. */
function hours(from: number, to: number) {
  const opens = new Date(Date.now() + from * AN_HOUR);
  const closes = new Date(Date.now() + to * AN_HOUR);
  const clock = (date: Date) => date.toISOString().slice(11, 16);
  return { day: (opens.getUTCDay() || 7) as DayOfWeek, opens: clock(opens), closes: clock(closes) };
}

describe.each(BOTH_PORTS)("hours, asked by %s", (way) => {
  test("that are closed now are OUTSIDE_HOURS with the time they open, and RingCentral is never asked", async () => {
    const weekly = hours(2, 3);
    const { id, requests } = await withHours({ timeZone: "UTC", weeklyRanges: [weekly] });
    const watch = watching(service.by(way).availability, { destinationIds: [id] });
    const state = await watch.untilState(() => true);
    await watch.untilKind("synced");
    const answer = await service.check(id, { way, maxAgeMs: 0 });
    expect(answer).toEqual(state);
    expect(answer).toMatchObject({
      accepted: false,
      verdict: Verdict.REJECTED,
      reason: Reason.OUTSIDE_HOURS,
      source: Source.NONE,
    });
    expect([answer.measured, answer.agents, answer.observedAt]).toEqual([undefined, undefined, undefined]);
    const opens = new Date(timestampMs(answer.retryAt!));
    expect(opens.toISOString().slice(11)).toBe(`${weekly.opens}:00.000Z`);
    expect(opens.getTime() - Date.now()).toBeLessThanOrEqual(2 * AN_HOUR);
    expect(opens.getTime() - Date.now()).toBeGreaterThan(2 * AN_HOUR - 2 * A_MINUTE);
    const { explanation } = await service.by(way).availability.check({ destinationId: id, explain: true });
    expect(explanation).toMatchObject({ status: 0, hint: expect.stringMatching(/weekly_ranges/) });
    watch.leave();
    expect(requests()).toHaveLength(0);
  });

  test("that are open now change nothing", async () => {
    for (const weeklyRanges of [
      [hours(-2, 2)],
      [hours(5, 6), hours(-1, 1)],
      EVERY_DAY.map((day) => ({ day, opens: "00:00", closes: "24:00" })),
    ]) {
      const { id, requests } = await withHours({ timeZone: "UTC", weeklyRanges });
      expect(await service.check(id, { way })).toMatchObject({ accepted: true, source: Source.LIVE });
      expect(requests()).toHaveLength(1);
    }
  });

  test("are closed on a closed date, though the week says open", async () => {
    const closedDates = [-1, 0, 1].map((days) => new Date(Date.now() + days * 24 * AN_HOUR).toISOString().slice(0, 10));
    const { id, requests } = await withHours({ timeZone: "UTC", weeklyRanges: [hours(-2, 2)], closedDates });
    expect((await service.check(id, { way })).reason).toBe(Reason.OUTSIDE_HOURS);
    expect(requests()).toHaveLength(0);
  });
});

test("TestDestination asks outside the hours as well: who tests wants to know what they would be", async () => {
  const { id, requests } = await withHours({ timeZone: "UTC", weeklyRanges: [hours(2, 3)] });
  const { availability } = await service.destinations.testDestination({ target: { case: "destinationId", value: id } });
  expect(availability).toMatchObject({ accepted: true, reason: Reason.CRITERIA_MET });
  expect(requests()).toHaveLength(1);
});

test("an override is stronger than hours, and a schedule is read back as it was given", async () => {
  const schedule = {
    timeZone: "America/New_York",
    weeklyRanges: [{ day: DayOfWeek.MONDAY, opens: "22:00", closes: "02:00" }],
  };
  const { id } = await withHours({ ...schedule, closedDates: ["2026-12-25"] });
  const { destination } = await service.destinations.getDestination({ destinationId: id });
  expect(destination!.schedule).toMatchObject({ ...schedule, closedDates: ["2026-12-25"] });
  const closed = await withHours({ timeZone: "UTC", weeklyRanges: [hours(2, 3)] });
  const expiresAt = { seconds: BigInt(Math.floor(Date.now() / 1000) + 600) };
  await service.destinations.setOverride({ destinationIds: [closed.id], accepted: true, expiresAt });
  expect(await service.check(closed.id)).toMatchObject({ accepted: true, reason: Reason.OVERRIDDEN });
});

test("Configure() names everything that is wrong with a schedule", async () => {
  const weeklyRanges = [{ opens: "9:00", closes: "24:01" }];
  const error = await errorOf(withHours({ timeZone: "EST", weeklyRanges, closedDates: ["2026-02-30"] }));
  const named = error.findDetails(BadRequestSchema)[0]!.fieldViolations.map(({ field }) => field);
  expect(named).toEqual([
    "destination.schedule.time_zone",
    "destination.schedule.weekly_ranges[0].day",
    "destination.schedule.weekly_ranges[0].opens",
    "destination.schedule.weekly_ranges[0].closes",
    "destination.schedule.closed_dates[0]",
  ]);
});
