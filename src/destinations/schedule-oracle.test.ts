import { create } from "@bufbuild/protobuf";
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  type DayOfWeek,
  type Schedule,
  ScheduleSchema,
  type WeeklyRange,
} from "../../gen/availability/v1/destination_pb.ts";
import { compileSchedule } from "./schedule.ts";

// The slow and plain way to know whether a schedule is open: read the wall clock, minute by minute.

const MINUTE = 60_000;
const DAY = 1440 * MINUTE;
const WALK_MINUTES = 3 * 1440;
const WEEKDAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

const formats = new Map<string, Intl.DateTimeFormat>();

function wallClock(timeZone: string, at: number) {
  const format =
    formats.get(timeZone) ??
    new Intl.DateTimeFormat("en-US", {
      timeZone,
      hourCycle: "h23",
      weekday: "short",
      year: "numeric",
      month: "2-digit",
      day: "2-digit",
      hour: "2-digit",
      minute: "2-digit",
    });
  formats.set(timeZone, format);
  const parts = Object.fromEntries(format.formatToParts(at).map(({ type, value }) => [type, value]));
  return {
    date: `${parts.year}-${parts.month}-${parts.day}`,
    day: WEEKDAYS.indexOf(parts.weekday!) + 1,
    time: `${parts.hour}:${parts.minute}`,
  };
}

function isOpen(schedule: Schedule, at: number): boolean {
  const { date, day, time } = wallClock(schedule.timeZone, at);
  const yesterday = new Date(Date.parse(date) - DAY).toISOString().slice(0, 10);
  const closed = (on: string) => schedule.closedDates.includes(on);
  if (closed(date)) return false;
  return schedule.weeklyRanges.some((range) => {
    const overMidnight = range.closes <= range.opens;
    if (range.day === day && time >= range.opens && (overMidnight || time < range.closes)) return true;
    return overMidnight && range.day % 7 === day - 1 && time < range.closes && !closed(yesterday);
  });
}

/** Zones, and the days on which something odd happened to their clocks. */
const ODD_DAYS: Readonly<Record<string, readonly string[]>> = {
  UTC: ["2016-12-31"],
  "America/New_York": ["2026-03-08", "2026-11-01", "2007-03-11"],
  "Europe/Berlin": ["2026-03-29", "2026-10-25"],
  "Australia/Lord_Howe": ["2026-04-05", "2026-10-04"],
  "Asia/Kolkata": ["2026-01-01"],
  "Asia/Kathmandu": ["1986-01-01"],
  "Pacific/Apia": ["2011-12-30", "2010-09-26"],
  "Pacific/Kwajalein": ["1993-08-21"],
  "America/Sao_Paulo": ["2018-02-18", "2018-11-04"],
  "Africa/Casablanca": ["2026-02-15", "2026-03-22"],
  "Asia/Pyongyang": ["2015-08-15", "2018-05-05"],
  "America/Caracas": ["2016-05-01"],
  "Antarctica/Troll": ["2026-03-29", "2026-10-25"],
};

const pad = (value: number) => String(value).padStart(2, "0");
// Small hours are where clocks are moved, so half of all times are there.
const time = fc
  .oneof(fc.integer({ min: 0, max: 239 }), fc.integer({ min: 0, max: 1439 }), fc.constantFrom(0, 60, 90, 120, 1380))
  .map((minute) => `${pad(Math.floor(minute / 60))}:${pad(minute % 60)}`);
type Range = Pick<WeeklyRange, "day" | "opens" | "closes">;
const DAYS: readonly DayOfWeek[] = [1, 2, 3, 4, 5, 6, 7];
const range: fc.Arbitrary<Range> = fc.record({
  day: fc.constantFrom(...DAYS),
  opens: time,
  closes: fc.oneof(time, fc.constant("24:00")),
});
const always = DAYS.map((day): Range => ({ day, opens: "00:00", closes: "24:00" }));

const scene = fc.constantFrom(...Object.entries(ODD_DAYS)).chain(([timeZone, days]) =>
  fc.constantFrom(...days).chain((oddDay) => {
    const near = (days: number) =>
      fc.integer({ min: -days, max: days }).map((by) => new Date(Date.parse(oddDay) + by * DAY).toISOString());
    return fc.record({
      timeZone: fc.constant(timeZone),
      weeklyRanges: fc.oneof(
        { arbitrary: fc.array(range, { minLength: 1, maxLength: 12 }), weight: 4 },
        fc.constant(always),
      ),
      closedDates: fc.uniqueArray(
        near(4).map((date) => date.slice(0, 10)),
        { maxLength: 3 },
      ),
      start: fc
        .tuple(near(3), fc.integer({ min: 0, max: 1439 }))
        .map(([date, minute]) => Date.parse(date) + minute * MINUTE),
    });
  }),
);

test("openingAt() says what a clock on the wall says, and changes at the very minute, whatever the zone", () => {
  fc.assert(
    fc.property(scene, ({ start, ...init }) => {
      const message = create(ScheduleSchema, init);
      const compile = () => {
        const result = compileSchedule(message, "schedule");
        if ("violations" in result) throw new Error(JSON.stringify(result.violations));
        return result.schedule;
      };
      const kept = compile();
      let promised = kept.openingAt(start);
      expect(promised.open).toBe(isOpen(message, start));
      for (let at = start; at < start + WALK_MINUTES * MINUTE; at += MINUTE) {
        const open = isOpen(message, at);
        if (open === promised.open) {
          if (promised.until !== undefined && at >= promised.until) expect.fail(`no change at ${new Date(at)}`);
          continue;
        }
        // It changes here and was not to change earlier or later.
        expect(promised.until).toBe(at);
        promised = kept.openingAt(at);
        expect(promised.open).toBe(open);
        // Whoever asks first within the stretch gets the same as who asked before it.
        expect(compile().openingAt(at)).toEqual(promised);
      }
    }),
    { numRuns: 60 },
  );
});

test("openingAt() names the change when it is months away", () => {
  const start = Date.UTC(2026, 0, 5, 12);
  const inDays = fc.integer({ min: 3, max: 2000 });
  fc.assert(
    fc.property(fc.constantFrom(...Object.keys(ODD_DAYS)), inDays, (timeZone, days) => {
      const date = new Date(start + days * DAY).toISOString().slice(0, 10);
      const message = create(ScheduleSchema, { timeZone, weeklyRanges: always, closedDates: [date] });
      const result = compileSchedule(message, "schedule");
      if ("violations" in result) throw new Error(JSON.stringify(result.violations));
      const { open, until } = result.schedule.openingAt(start);
      expect(open).toBe(true);
      expect(isOpen(message, until! - 1)).toBe(true);
      expect(isOpen(message, until!)).toBe(false);
    }),
  );
});
