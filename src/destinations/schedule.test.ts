import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { DayOfWeek, ScheduleSchema } from "../../gen/availability/v1/destination_pb.ts";
import { type CompiledSchedule, compileSchedule } from "./schedule.ts";

type Init = Exclude<MessageInitShape<typeof ScheduleSchema>, { $typeName: string }>;

const { MONDAY, FRIDAY, SATURDAY, SUNDAY } = DayOfWeek;
const EVERY_DAY = [1, 2, 3, 4, 5, 6, 7] as const;
const daily = (opens: string, closes: string) => EVERY_DAY.map((day) => ({ day, opens, closes }));
const on = (day: DayOfWeek, opens: string, closes: string) => ({ day, opens, closes });

function compile(init: Init) {
  return compileSchedule(create(ScheduleSchema, init), "destination.schedule");
}

function compiled(init: Init): CompiledSchedule {
  const result = compile(init);
  if ("violations" in result) throw new Error(JSON.stringify(result.violations));
  return result.schedule;
}

/** Every change from `from` to before `to`: when, and what it then is. */
function changes(schedule: CompiledSchedule, from: string, to: string): string[] {
  const found: string[] = [];
  for (let at: number | undefined = Date.parse(from); at !== undefined && at < Date.parse(to); ) {
    const { open, until } = schedule.openingAt(at);
    found.push(`${new Date(at).toISOString().slice(0, 19)} ${open ? "open" : "closed"}`);
    at = until;
  }
  return found;
}

type Refusal = readonly [what: string, given: Init, field: string, reason: string, description: string];

const one = [on(MONDAY, "09:00", "17:00")];
const inUtc = (weeklyRanges: Init["weeklyRanges"], closedDates: string[] = []): Init => ({
  timeZone: "UTC",
  weeklyRanges: weeklyRanges!,
  closedDates,
});
const ZONE = 'expected an IANA name such as "America/New_York", or "UTC"';

const refused: readonly Refusal[] = [
  ["no zone", { weeklyRanges: one }, "time_zone", "REQUIRED", `is empty, ${ZONE}`],
  ...["Europe/Atlantis", "PST", "EST", "+05:30", "SystemV/EST5", " UTC", "Europe/Berlin\n", "local"].map(unknownZone),
  [
    "no ranges",
    inUtc([]),
    "weekly_ranges",
    "REQUIRED",
    'is empty, expected at least one range; "00:00" to "24:00" is a whole day',
  ],
  ["101 ranges", inUtc(Array(101).fill(one[0])), "weekly_ranges", "TOO_MANY", "has 101 ranges, expected at most 100"],
  [
    "a range without a day",
    inUtc([{ opens: "09:00", closes: "17:00" }]),
    "weekly_ranges[0].day",
    "REQUIRED",
    "is unspecified, expected a day",
  ],
  ...[8, -1].map(unknownDay),
  ...["24:00", "9:00", "09:60", "25:00", "09:00:00", "09:00\n", "٠٩:٠٠"].map(badOpens),
  ...["24:01", "5:00", "17:60", "5 pm"].map(badCloses),
  [
    "no closing time",
    inUtc([on(MONDAY, "09:00", "")]),
    "weekly_ranges[0].closes",
    "REQUIRED",
    'is empty, expected "HH:MM", "00:00" to "24:00"',
  ],
  ...["2026-02-30", "2025-02-29", "2026-13-01", "2026-1-1", "25.12.2026", "2026-12-25T00:00", ""].map(badDate),
  [
    "a date given twice",
    inUtc(one, ["2026-12-25", "2027-01-01", "2026-12-25"]),
    "closed_dates[2]",
    "DUPLICATE",
    'is "2026-12-25" like destination.schedule.closed_dates[0], expected each date once',
  ],
];

function unknownZone(timeZone: string): Refusal {
  const said = `is ${JSON.stringify(timeZone)}, no zone that is known here, ${ZONE}`;
  return [`the zone ${JSON.stringify(timeZone)}`, { timeZone, weeklyRanges: one }, "time_zone", "UNKNOWN_VALUE", said];
}

function unknownDay(day: number): Refusal {
  const given = inUtc([on(day as DayOfWeek, "09:00", "17:00")]);
  const said = `is ${day}, expected 1 (Monday) to 7 (Sunday)`;
  return [`the day ${day}`, given, "weekly_ranges[0].day", "UNKNOWN_VALUE", said];
}

function badOpens(opens: string): Refusal {
  const said = `is ${JSON.stringify(opens)}, expected "HH:MM", "00:00" to "23:59"`;
  const given = inUtc([on(MONDAY, opens, "17:00")]);
  return [`opens ${JSON.stringify(opens)}`, given, "weekly_ranges[0].opens", "INVALID_FORMAT", said];
}

function badCloses(closes: string): Refusal {
  const said = `is ${JSON.stringify(closes)}, expected "HH:MM", "00:00" to "24:00"`;
  const given = inUtc([on(MONDAY, "09:00", closes)]);
  return [`closes ${JSON.stringify(closes)}`, given, "weekly_ranges[0].closes", "INVALID_FORMAT", said];
}

function badDate(date: string): Refusal {
  const said = `is ${JSON.stringify(date)}, expected a date as in "2026-12-25"`;
  return [`the date ${JSON.stringify(date)}`, inUtc(one, [date]), "closed_dates[0]", "INVALID_FORMAT", said];
}

describe("compileSchedule()", () => {
  test.each(refused)("refuses %s", (_, given, field, reason, description) => {
    expect(compile(given)).toEqual({ violations: [{ field: `destination.schedule.${field}`, reason, description }] });
  });

  test("names every violation at once", () => {
    const result = compile({ timeZone: "Mars/Base", weeklyRanges: [{}], closedDates: ["never", "2026-02-30"] });
    expect("violations" in result && result.violations.map(({ field }) => field)).toEqual([
      "destination.schedule.time_zone",
      "destination.schedule.weekly_ranges[0].day",
      "destination.schedule.weekly_ranges[0].opens",
      "destination.schedule.weekly_ranges[0].closes",
      "destination.schedule.closed_dates[0]",
      "destination.schedule.closed_dates[1]",
    ]);
  });

  test("takes 1,000 closed dates and 100 ranges and no more", () => {
    const dates = (count: number) =>
      Array.from({ length: count }, (_, i) => new Date(Date.UTC(2026, 0, 1 + i)).toISOString().slice(0, 10));
    const ranges = Array(100).fill(one[0]);
    expect(compile(inUtc(ranges, dates(1000)))).toHaveProperty("schedule");
    expect(compile(inUtc(ranges, dates(1001)))).toMatchObject({
      violations: [{ field: "destination.schedule.closed_dates", reason: "TOO_MANY" }],
    });
  });

  test("takes names that mean another zone, and leap days", () => {
    const init = { weeklyRanges: one, closedDates: ["2028-02-29"] };
    for (const timeZone of ["US/Eastern", "Europe/Kyiv", "Asia/Kolkata", "Etc/GMT+5"]) {
      expect(compiled({ ...init, timeZone }).timeZone).toBe(timeZone);
    }
  });
});

describe("openingAt()", () => {
  test("opens and closes at the times of the zone", () => {
    const schedule = compiled({ timeZone: "Asia/Kolkata", weeklyRanges: [on(MONDAY, "09:00", "17:30")] });
    expect(changes(schedule, "2026-01-05T00:00Z", "2026-01-12T00:00Z")).toEqual([
      "2026-01-05T00:00:00 closed",
      "2026-01-05T03:30:00 open",
      "2026-01-05T12:00:00 closed",
    ]);
  });

  test("is open from the first millisecond and closed from the last", () => {
    const schedule = compiled({ timeZone: "UTC", weeklyRanges: [on(MONDAY, "09:00", "17:00")] });
    const [opens, closes] = [Date.UTC(2026, 0, 5, 9), Date.UTC(2026, 0, 5, 17)];
    expect(schedule.openingAt(opens - 0.5)).toEqual({ open: false, until: opens });
    expect(schedule.openingAt(opens)).toEqual({ open: true, until: closes });
    expect(schedule.openingAt(closes - 0.5)).toEqual({ open: true, until: closes });
    expect(schedule.openingAt(closes)).toEqual({ open: false, until: opens + 7 * 86_400_000 });
  });

  test("runs a range over midnight, over the end of the week too, and makes overlapping ranges one", () => {
    const schedule = compiled({
      timeZone: "UTC",
      weeklyRanges: [on(SUNDAY, "22:00", "06:00"), on(MONDAY, "05:00", "09:00"), on(MONDAY, "09:00", "10:00")],
    });
    expect(changes(schedule, "2026-01-04T00:00Z", "2026-01-06T00:00Z")).toEqual([
      "2026-01-04T00:00:00 closed",
      "2026-01-04T22:00:00 open",
      "2026-01-05T10:00:00 closed",
    ]);
  });

  test("takes a range that closes when it opens as 24 hours", () => {
    const schedule = compiled({ timeZone: "UTC", weeklyRanges: [on(MONDAY, "09:00", "09:00")] });
    expect(changes(schedule, "2026-01-05T00:00Z", "2026-01-07T00:00Z")).toEqual([
      "2026-01-05T00:00:00 closed",
      "2026-01-05T09:00:00 open",
      "2026-01-06T09:00:00 closed",
    ]);
  });

  test.each([
    ["00:00", "24:00"],
    ["00:00", "00:00"],
    ["13:00", "13:00"],
  ])("never closes when every day is open from %s to %s", (opens, closes) => {
    const schedule = compiled({ timeZone: "America/New_York", weeklyRanges: daily(opens, closes) });
    expect(schedule.openingAt(Date.UTC(2026, 0, 5, 12))).toEqual({ open: true, until: undefined });
  });

  test("closes a closed date whole, and what would have run over midnight from it", () => {
    const schedule = compiled({
      timeZone: "America/New_York",
      weeklyRanges: EVERY_DAY.map((day) => on(day, "20:00", "04:00")),
      closedDates: ["2026-12-25"],
    });
    expect(changes(schedule, "2026-12-24T17:00Z", "2026-12-28T00:00Z")).toEqual([
      "2026-12-24T17:00:00 closed",
      "2026-12-25T01:00:00 open",
      "2026-12-25T05:00:00 closed", // midnight: what opened on the 24th ends where the 25th begins
      "2026-12-27T01:00:00 open", // nothing opened on the 25th, so nothing runs into the 26th
      "2026-12-27T09:00:00 closed",
    ]);
  });

  test("finds a closed date that is thousands of years away, and none after it", () => {
    const schedule = compiled({
      timeZone: "Europe/Berlin",
      weeklyRanges: daily("00:00", "24:00"),
      closedDates: ["9999-12-30", "2000-01-01"],
    });
    const closes = Date.parse("9999-12-29T23:00Z");
    const opens = Date.parse("9999-12-30T23:00Z");
    expect(schedule.openingAt(Date.UTC(2026, 0, 5))).toEqual({ open: true, until: closes });
    expect(schedule.openingAt(closes)).toEqual({ open: false, until: opens });
    expect(schedule.openingAt(opens)).toEqual({ open: true, until: undefined });
  });

  test("opens again after the last of many closed dates", () => {
    const fridays = Array.from({ length: 1000 }, (_, i) => new Date(Date.UTC(2026, 0, 2 + 7 * i)));
    const schedule = compiled({
      timeZone: "UTC",
      weeklyRanges: [on(FRIDAY, "09:00", "10:00")],
      closedDates: fridays.map((date) => date.toISOString().slice(0, 10)),
    });
    const opens = Date.UTC(2026, 0, 2 + 7000, 9);
    expect(schedule.openingAt(Date.UTC(2026, 0, 1))).toEqual({ open: false, until: opens });
  });

  test("answers for an earlier time after a later one", () => {
    const schedule = compiled({ timeZone: "UTC", weeklyRanges: [on(MONDAY, "09:00", "17:00")] });
    expect(schedule.openingAt(Date.UTC(2026, 0, 5, 10)).open).toBe(true);
    expect(schedule.openingAt(Date.UTC(2026, 0, 5, 8))).toEqual({ open: false, until: Date.UTC(2026, 0, 5, 9) });
  });

  test("gives the same answer, not a new one, while it holds", () => {
    const schedule = compiled({ timeZone: "UTC", weeklyRanges: [on(MONDAY, "09:00", "17:00")] });
    const opening = schedule.openingAt(Date.UTC(2026, 0, 5, 9));
    expect(schedule.openingAt(Date.UTC(2026, 0, 5, 17) - 1)).toBe(opening);
    expect(schedule.openingAt(Date.UTC(2026, 0, 5, 17))).not.toBe(opening);
  });

  describe("when clocks are moved", () => {
    // New York, 2026: 02:00 becomes 03:00 on March 8 (07:00 UTC), and again 01:00 on November 1 (06:00 UTC).
    const newYork = (opens: string, closes: string) =>
      compiled({ timeZone: "America/New_York", weeklyRanges: [on(SUNDAY, opens, closes)] });

    test("opens at the first time shown when the opening time is skipped", () => {
      expect(changes(newYork("02:30", "05:00"), "2026-03-08T05:00Z", "2026-03-09T00:00Z").slice(1)).toEqual([
        "2026-03-08T07:00:00 open", // 03:00
        "2026-03-08T09:00:00 closed",
      ]);
    });

    test("closes at the first time shown when the closing time is skipped", () => {
      expect(changes(newYork("01:00", "02:30"), "2026-03-08T05:00Z", "2026-03-09T00:00Z").slice(1)).toEqual([
        "2026-03-08T06:00:00 open",
        "2026-03-08T07:00:00 closed",
      ]);
    });

    test("does not open for a range that is skipped whole", () => {
      expect(changes(newYork("02:00", "03:00"), "2026-03-08T05:00Z", "2026-03-15T00:00Z")).toEqual([
        "2026-03-08T05:00:00 closed",
      ]);
    });

    test("opens twice for a range within the hour that is shown twice", () => {
      expect(changes(newYork("01:15", "01:45"), "2026-11-01T04:00Z", "2026-11-02T00:00Z").slice(1)).toEqual([
        "2026-11-01T05:15:00 open",
        "2026-11-01T05:45:00 closed",
        "2026-11-01T06:15:00 open",
        "2026-11-01T06:45:00 closed",
      ]);
    });

    test("stays open through the hour that is shown twice when the range holds all of it", () => {
      expect(changes(newYork("00:00", "02:00"), "2026-11-01T03:00Z", "2026-11-02T00:00Z").slice(1)).toEqual([
        "2026-11-01T04:00:00 open",
        "2026-11-01T07:00:00 closed",
      ]);
    });

    test("keeps the times of the day before and after", () => {
      const schedule = compiled({ timeZone: "Europe/Berlin", weeklyRanges: daily("08:00", "20:00") });
      expect(changes(schedule, "2026-03-28T00:00Z", "2026-03-30T00:00Z").slice(1)).toEqual([
        "2026-03-28T07:00:00 open",
        "2026-03-28T19:00:00 closed",
        "2026-03-29T06:00:00 open",
        "2026-03-29T18:00:00 closed",
      ]);
    });

    test("follows a zone that moves its clocks by half an hour", () => {
      // Lord Howe, 2026: 02:00 becomes 01:30 on April 5, at 15:00 UTC of the 4th.
      const schedule = compiled({ timeZone: "Australia/Lord_Howe", weeklyRanges: [on(SUNDAY, "01:45", "02:15")] });
      expect(changes(schedule, "2026-04-04T12:00Z", "2026-04-05T12:00Z").slice(1)).toEqual([
        "2026-04-04T14:45:00 open",
        "2026-04-04T15:00:00 closed",
        "2026-04-04T15:15:00 open",
        "2026-04-04T15:45:00 closed",
      ]);
    });

    test("never opens on a day that a zone left out", () => {
      // Samoa went from Thursday December 29 to Saturday December 31, 2011, at 10:00 UTC.
      const fridays = compiled({ timeZone: "Pacific/Apia", weeklyRanges: [on(FRIDAY, "00:00", "24:00")] });
      expect(changes(fridays, "2011-12-25T12:00Z", "2012-01-05T09:00Z")).toEqual(["2011-12-25T12:00:00 closed"]);
      const saturdays = compiled({ timeZone: "Pacific/Apia", weeklyRanges: [on(SATURDAY, "00:00", "01:00")] });
      expect(changes(saturdays, "2011-12-25T12:00Z", "2012-01-05T09:00Z").slice(1)).toEqual([
        "2011-12-30T10:00:00 open",
        "2011-12-30T11:00:00 closed",
      ]);
    });

    test("begins a closed date at its first time shown when its midnight is skipped", () => {
      // Brazil, 2018: midnight of November 4 became 01:00, at 03:00 UTC.
      const schedule = compiled({
        timeZone: "America/Sao_Paulo",
        weeklyRanges: daily("00:00", "24:00"),
        closedDates: ["2018-11-04"],
      });
      expect(changes(schedule, "2018-11-03T00:00Z", "2018-11-10T00:00Z")).toEqual([
        "2018-11-03T00:00:00 open",
        "2018-11-04T03:00:00 closed",
        "2018-11-05T02:00:00 open",
      ]);
    });

    test("stays closed through the last hour of a closed date when it is shown twice", () => {
      // Brazil, 2018: midnight of February 18 became 23:00 of the 17th, at 02:00 UTC.
      const schedule = compiled({
        timeZone: "America/Sao_Paulo",
        weeklyRanges: daily("00:00", "24:00"),
        closedDates: ["2018-02-17"],
      });
      expect(changes(schedule, "2018-02-16T00:00Z", "2018-02-25T00:00Z")).toEqual([
        "2018-02-16T00:00:00 open",
        "2018-02-17T02:00:00 closed",
        "2018-02-18T03:00:00 open",
      ]);
    });
  });
});
