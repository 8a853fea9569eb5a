/** A span of a week's days, in milliseconds from the midnight that `day` begins with. */
export interface WeeklySpan {
  /** 0 = Monday. */
  readonly day: number;
  readonly opens: number;
  /** After `opens` and at most a day after it; beyond DAY it runs over midnight. */
  readonly closes: number;
}

/**
 * What the clocks show, as Unix milliseconds would be if they showed UTC: "local" milliseconds. Two instants may have
 * the same ones, and some are never shown.
 */
type Local = number;

export interface Stretch {
  readonly open: boolean;
  /** Until when `open` holds at least, exclusive; Infinity = for good. */
  readonly until: Local;
  /** So far from everything that opens or closes that it does not matter how clocks are moved before `until`. */
  readonly calm: boolean;
}

export const DAY = 86_400_000;
// Day 0 of Unix time was a Thursday.
const FIRST_WEEKDAY = 3;
// Clocks were never moved by more than a day; two on both sides are more than that.
const CALM_DAYS = 2;

interface Span {
  readonly from: number;
  readonly to: number;
}

/** OpeningHours says what is open by the clock on the wall, whatever the zone. It knows no instants. */
export interface OpeningHours {
  /** What holds when the clocks show `local`. */
  stretchAt(local: Local): Stretch;
}

/** `closedDays`: days since 1970-01-01, in any order. */
export function createOpeningHours(spans: readonly WeeklySpan[], closedDays: readonly number[]): OpeningHours {
  const closed = new Set(closedDays);
  const ascending = [...closedDays].sort((a, b) => a - b);
  const weekdays = [0, 1, 2, 3, 4, 5, 6];
  const own = weekdays.map((day) => within(spans.filter((span) => span.day === day)));
  const fromBefore = weekdays.map((day) => overMidnight(spans.filter((span) => span.day === (day + 6) % 7)));
  const usual = weekdays.map((day) => merged([...own[day]!, ...fromBefore[day]!]));
  const afterClosedDay = own.map(merged);
  const always = usual.every(([span]) => span?.from === 0 && span.to === DAY);

  function spansOf(day: number): readonly Span[] {
    if (closed.has(day)) return [];
    const weekday = modulo(day + FIRST_WEEKDAY, 7);
    // A range belongs to the day on which it opens: what a closed day would have sent over midnight is closed too.
    return (closed.has(day - 1) ? afterClosedDay : usual)[weekday]!;
  }

  /** The first closed day of these or later ones. */
  function nextClosed(day: number): number {
    return ascending.find((candidate) => candidate >= day) ?? Number.POSITIVE_INFINITY;
  }

  return {
    stretchAt(local) {
      const day = Math.floor(local / DAY);
      if (always) {
        const next = nextClosed(day - CALM_DAYS);
        if (next > day + CALM_DAYS) return { open: true, until: (next - CALM_DAYS) * DAY, calm: true };
      }
      const midnight = day * DAY;
      for (const { from, to } of spansOf(day)) {
        if (local < midnight + from) return { open: false, until: midnight + from, calm: false };
        if (local < midnight + to) return { open: true, until: midnight + to, calm: false };
      }
      return { open: false, until: midnight + DAY, calm: false };
    },
  };
}

/** The part of each span that lies on its own day. */
function within(spans: readonly WeeklySpan[]): Span[] {
  return spans.map(({ opens, closes }) => ({ from: opens, to: Math.min(closes, DAY) }));
}

/** The part of each span that lies on the next day. */
function overMidnight(spans: readonly WeeklySpan[]): Span[] {
  return spans.filter(({ closes }) => closes > DAY).map(({ closes }) => ({ from: 0, to: closes - DAY }));
}

/** In order, with those that overlap or touch made one. */
function merged(spans: readonly Span[]): Span[] {
  const result: Span[] = [];
  for (const span of [...spans].sort((a, b) => a.from - b.from)) {
    const last = result.at(-1);
    if (last && span.from <= last.to) result[result.length - 1] = { from: last.from, to: Math.max(last.to, span.to) };
    else result.push(span);
  }
  return result;
}

function modulo(value: number, by: number): number {
  return ((value % by) + by) % by;
}
