import type { Clock } from "../lib/clock.ts";
import type { Reason } from "../lib/reasons.ts";
import type { CountRow } from "../stores/history.ts";
import type { Answer } from "./answer.ts";

export const MINUTE_MS = 60_000;

/** Minutes that may wait to be written. */
const MOST_MINUTES = 5;

type Tallies = Map<string, Map<Reason, { count: number; accepted: number }>>;

interface Minute {
  /** Unix milliseconds. */
  readonly start: number;
  readonly tallies: Tallies;
}

interface CheckTallyDeps {
  readonly clock: Clock;
  /** A minute with Checks ended. */
  readonly onMinute: () => void;
  /** So many rows were forgotten because nobody took them in time. */
  readonly onDropped: (rows: number) => void;
}

/** CheckTally counts Checks per minute, destination and reason until the counts are taken to be written. */
export class CheckTally {
  readonly #deps: CheckTallyDeps;
  /** The present minute; undefined while it has no Checks. */
  #present: Minute | undefined;
  /** Minutes that ended, in order, with what was not taken. */
  readonly #ended: Minute[] = [];
  #cancelTimer = () => {};

  constructor(deps: CheckTallyDeps) {
    this.#deps = deps;
  }

  /** A Check was answered. Thousands a second are: it looks at no clock, and only the first of a kind allocates. */
  count(answer: Pick<Answer, "destinationId" | "reason" | "accepted">): void {
    const { tallies } = this.#present ?? this.#begin();
    add(tallies, answer.destinationId, answer.reason, 1, answer.accepted ? 1 : 0);
  }

  /** Whether there are counts of minutes that ended. */
  get waits(): boolean {
    return this.#ended.length > 0;
  }

  /** The counts of a destination that were not taken, of the minutes that start within a range, the present one too. */
  of(destinationId: string, { from, to }: { from: number; to: number }): CountRow[] {
    const minutes = this.#present ? [...this.#ended, this.#present] : this.#ended;
    return minutes
      .filter(({ start }) => start >= from && start < to)
      .flatMap(({ start, tallies }) => rowsOf(start, destinationId, tallies));
  }

  /** Takes the counts of some destinations out, `most` rows or a few more, of minutes that ended. */
  take(most: number): CountRow[] {
    const rows: CountRow[] = [];
    for (let minute = this.#ended[0]; minute && rows.length < most; minute = this.#ended[0]) {
      for (const destinationId of minute.tallies.keys()) {
        rows.push(...rowsOf(minute.start, destinationId, minute.tallies));
        minute.tallies.delete(destinationId);
        if (rows.length >= most) break;
      }
      if (minute.tallies.size === 0) this.#ended.shift();
    }
    return rows;
  }

  /** Counts that were taken could not be written and are to be taken again. */
  putBack(rows: readonly CountRow[]): void {
    for (const { minute: start, destinationId, reason, count, accepted } of rows) {
      let minute = this.#ended.find((ended) => ended.start === start);
      if (!minute) {
        minute = { start, tallies: new Map() };
        this.#ended.push(minute);
        this.#ended.sort((a, b) => a.start - b.start);
      }
      add(minute.tallies, destinationId, reason, count, accepted);
    }
    this.#dropOldest();
  }

  /** Ends the present minute, at its end or because the service stops. */
  endMinute(): void {
    this.#cancelTimer();
    if (!this.#present) return;
    this.#ended.push(this.#present);
    this.#present = undefined;
    this.#dropOldest();
    this.#deps.onMinute();
  }

  #begin(): Minute {
    const now = this.#deps.clock.now();
    const start = minuteOf(now);
    this.#present = { start, tallies: new Map() };
    this.#cancelTimer = this.#deps.clock.after(start + MINUTE_MS - now, () => this.endMinute());
    return this.#present;
  }

  #dropOldest(): void {
    while (this.#ended.length > MOST_MINUTES) {
      const { tallies } = this.#ended.shift()!;
      let rows = 0;
      for (const reasons of tallies.values()) rows += reasons.size;
      this.#deps.onDropped(rows);
    }
  }
}

/** The start of the minute that a time lies in. */
export function minuteOf(ms: number): number {
  return Math.floor(ms / MINUTE_MS) * MINUTE_MS;
}

function add(tallies: Tallies, destinationId: string, reason: Reason, count: number, accepted: number): void {
  let reasons = tallies.get(destinationId);
  if (!reasons) {
    reasons = new Map();
    tallies.set(destinationId, reasons);
  }
  const tally = reasons.get(reason);
  if (tally) {
    tally.count += count;
    tally.accepted += accepted;
  } else reasons.set(reason, { count, accepted });
}

function rowsOf(minute: number, destinationId: string, tallies: Tallies): CountRow[] {
  const reasons = tallies.get(destinationId) ?? [];
  return Array.from(reasons, ([reason, tally]) => ({ destinationId, minute, reason, ...tally }));
}
