import { DayOfWeek, type Schedule, type WeeklyRange } from "../../gen/availability/v1/destination_pb.ts";
import type { Violation } from "../lib/errors.ts";
import { Problems } from "../lib/problems.ts";
import { quote } from "../lib/quote.ts";
import { createOpeningHours, DAY, type OpeningHours, type WeeklySpan } from "./opening-hours.ts";
import { type TimeZone, timeZone } from "./time-zone.ts";

/** Whether it is open, and until when; times in Unix milliseconds. */
export interface Opening {
  readonly open: boolean;
  /** The first millisecond at which `open` is the other way; undefined = it stays so for good. */
  readonly until: number | undefined;
}

/**
 * CompiledSchedule says when a destination is open: whenever a clock in its zone shows a time within one of the ranges.
 * So what clocks skip is never open, and what they show twice is open, or closed, twice. A range belongs to the day on
 * which it opens; a closed date closes the whole date, ranges that opened the day before and those that open on it.
 */
export interface CompiledSchedule {
  readonly timeZone: string;
  /** Cheap enough for every Check: the answer is kept until it no longer holds. */
  openingAt(now: number): Opening;
}

const MOST_RANGES = 100;
const MOST_CLOSED_DATES = 1000;
const OPENS = /^([01]\d|2[0-3]):([0-5]\d)$/;
const CLOSES = /^(?:([01]\d|2[0-3]):([0-5]\d)|(24):(00))$/;

/** Compiles a schedule, or refuses it with every violation at once; `field` is its path. */
export function compileSchedule(
  schedule: Schedule,
  field: string,
): { schedule: CompiledSchedule } | { violations: readonly Violation[] } {
  const problems = new Problems();
  const zone = parseZone(schedule.timeZone, `${field}.time_zone`, problems);
  const spans = parseRanges(schedule.weeklyRanges, `${field}.weekly_ranges`, problems);
  const closedDays = parseDates(schedule.closedDates, `${field}.closed_dates`, problems);
  if (!zone || problems.violations.length > 0) return { violations: problems.violations };
  return { schedule: createSchedule(schedule.timeZone, zone, createOpeningHours(spans, closedDays)) };
}

function createSchedule(name: string, zone: TimeZone, hours: OpeningHours): CompiledSchedule {
  let since = Number.POSITIVE_INFINITY;
  let opening: Opening = { open: false, until: undefined };
  return {
    timeZone: name,
    openingAt(now) {
      if (now < since || now >= (opening.until ?? Number.POSITIVE_INFINITY)) {
        // All that opens or closes does so at a whole second.
        since = Math.floor(now);
        opening = openingFrom(since, zone, hours);
      }
      return opening;
    },
  };
}

/**
 * Goes on from `now`, from one opening, closing, midnight or moving of the clocks to the next, until it is another. It
 * ends: hours that are not "always" change within days, but for closed dates and skipped hours, of which there are few.
 */
function openingFrom(now: number, zone: TimeZone, hours: OpeningHours): Opening {
  let at = now;
  let open: boolean | undefined;
  for (;;) {
    const steady = zone.spanAt(at);
    const local = at + steady.offset;
    const stretch = hours.stretchAt(local);
    open ??= stretch.open;
    if (stretch.open !== open) return { open, until: at };
    if (stretch.until === Number.POSITIVE_INFINITY) return { open, until: undefined };
    const end = at + (stretch.until - local);
    at = stretch.calm ? end : Math.min(end, steady.until);
  }
}

function parseZone(name: string, field: string, problems: Problems): TimeZone | undefined {
  const expected = 'expected an IANA name such as "America/New_York", or "UTC"';
  const zone = timeZone(name);
  if (name === "") problems.add(field, "REQUIRED", `is empty, ${expected}`);
  else if (!zone) problems.add(field, "UNKNOWN_VALUE", `is ${quote(name)}, no zone that is known here, ${expected}`);
  return zone;
}

function parseRanges(ranges: readonly WeeklyRange[], field: string, problems: Problems): WeeklySpan[] {
  const { length } = ranges;
  if (length === 0) {
    problems.add(field, "REQUIRED", 'is empty, expected at least one range; "00:00" to "24:00" is a whole day');
  }
  if (length > MOST_RANGES) {
    problems.add(field, "TOO_MANY", `has ${length} ranges, expected at most ${MOST_RANGES}`);
  }
  return ranges.slice(0, MOST_RANGES).map(({ day, opens, closes }, index) => {
    const path = `${field}[${index}]`;
    if (day === DayOfWeek.UNSPECIFIED) problems.add(`${path}.day`, "REQUIRED", "is unspecified, expected a day");
    else if (day < DayOfWeek.MONDAY || day > DayOfWeek.SUNDAY) {
      problems.add(`${path}.day`, "UNKNOWN_VALUE", `is ${day}, expected 1 (Monday) to 7 (Sunday)`);
    }
    const from = parseTime(opens, { field: `${path}.opens`, form: OPENS, last: "23:59" }, problems);
    const to = parseTime(closes, { field: `${path}.closes`, form: CLOSES, last: "24:00" }, problems);
    return { day: day - 1, opens: from, closes: to > from ? to : to + DAY };
  });
}

/** Milliseconds since midnight; 0 stands in for what is no time. */
function parseTime(text: string, is: { field: string; form: RegExp; last: string }, problems: Problems): number {
  const found = is.form.exec(text);
  if (found) {
    const [hours, minutes] = found.slice(1).filter((part) => part !== undefined);
    return (Number(hours) * 60 + Number(minutes)) * 60_000;
  }
  const expected = `expected "HH:MM", "00:00" to "${is.last}"`;
  if (text === "") problems.add(is.field, "REQUIRED", `is empty, ${expected}`);
  else problems.add(is.field, "INVALID_FORMAT", `is ${quote(text)}, ${expected}`);
  return 0;
}

/** Days since 1970-01-01. */
function parseDates(dates: readonly string[], field: string, problems: Problems): number[] {
  const { length } = dates;
  if (length > MOST_CLOSED_DATES) {
    problems.add(field, "TOO_MANY", `has ${length} dates, expected at most ${MOST_CLOSED_DATES}`);
  }
  const days = new Map<number, number>();
  for (const [index, text] of dates.slice(0, MOST_CLOSED_DATES).entries()) {
    const path = `${field}[${index}]`;
    const at = /^\d{4}-\d{2}-\d{2}$/.test(text) ? Date.parse(`${text}T00:00:00Z`) : Number.NaN;
    const first = days.get(at / DAY);
    // The engine reads February 30 as March 2.
    if (Number.isNaN(at) || !new Date(at).toISOString().startsWith(text)) {
      problems.add(path, "INVALID_FORMAT", `is ${quote(text)}, expected a date as in "2026-12-25"`);
    } else if (first !== undefined) {
      problems.add(path, "DUPLICATE", `is ${quote(text)} like ${field}[${first}], expected each date once`);
    } else days.set(at / DAY, index);
  }
  return [...days.keys()];
}
