/** A stretch of time in which a zone's clocks are not moved; times in Unix milliseconds. */
export interface SteadySpan {
  /** What the clocks show less UTC, in milliseconds. */
  readonly offset: number;
  /** Until when `offset` is known to hold, exclusive; then ask again. */
  readonly until: number;
}

const SECOND = 1000;
const DAY = 86_400 * SECOND;
// What is learnt of a zone at a time. No zone ever moved its clocks and moved them back within a day.
const CHUNK = 32 * DAY;
const MOST_CHUNKS = 1000;

// The engine also takes "PST", "IST" and "BST" and means Los Angeles, Kolkata and Dhaka by them; and "EST", the name of
// a zone without summer time, which is seldom what was meant. So only names that say where.
const NAME = /^(?:UTC|(?!SystemV\/)[A-Za-z_]+(?:\/[A-Za-z0-9_+-]+)+)$/;

const zones = new Map<string, TimeZone>();

/** The time zone of an IANA name "Area/Location" or of "UTC"; undefined when this release does not know it. */
export function timeZone(name: string): TimeZone | undefined {
  if (!NAME.test(name)) return undefined;
  try {
    const format = new Intl.DateTimeFormat("en-US", { timeZone: name, timeZoneName: "longOffset" });
    // Names are compared without case and some mean the same zone: one of each is kept, so their number is bounded.
    const canonical = format.resolvedOptions().timeZone;
    const known = zones.get(canonical) ?? new TimeZone(format);
    zones.set(canonical, known);
    return known;
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/** TimeZone remembers how a zone's clocks stand, because asking the engine costs too much for every Check. */
class TimeZone {
  readonly #format: Intl.DateTimeFormat;
  readonly #chunks = new Map<number, readonly SteadySpan[]>();

  constructor(format: Intl.DateTimeFormat) {
    this.#format = format;
  }

  /** How the zone's clocks stand at `at`, Unix milliseconds. */
  spanAt(at: number): SteadySpan {
    const chunk = Math.floor(at / CHUNK);
    let spans = this.#chunks.get(chunk);
    if (!spans) {
      if (this.#chunks.size >= MOST_CHUNKS) this.#chunks.clear();
      spans = this.#learn(chunk * CHUNK);
      this.#chunks.set(chunk, spans);
    }
    return spans.find(({ until }) => at < until)!;
  }

  #learn(from: number): SteadySpan[] {
    const spans: SteadySpan[] = [];
    let offset = this.#offsetAt(from);
    for (let day = from; day < from + CHUNK; day += DAY) {
      const next = this.#offsetAt(day + DAY);
      while (offset !== next) {
        const until = this.#firstChange(day, day + DAY, offset);
        spans.push({ offset, until });
        offset = this.#offsetAt(until);
      }
    }
    spans.push({ offset, until: from + CHUNK });
    return spans;
  }

  /** The first second after `steady` at which the offset is another one than `offset`; at `changed` it surely is. */
  #firstChange(steady: number, changed: number, offset: number): number {
    let [before, after] = [steady, changed];
    while (after - before > SECOND) {
      const middle = Math.floor((before + after) / 2 / SECOND) * SECOND;
      if (this.#offsetAt(middle) === offset) before = middle;
      else after = middle;
    }
    return after;
  }

  #offsetAt(at: number): number {
    // As in "1/5/2026, GMT-05:00", with seconds only where a zone has them.
    const [, sign, hours, minutes, seconds = 0] = /GMT([+-])(\d\d):(\d\d)(?::(\d\d))?$/.exec(this.#format.format(at))!;
    const offset = (Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds)) * SECOND;
    return sign === "-" ? -offset : offset;
  }
}

export type { TimeZone };
