import type { Clock } from "../lib/clock.ts";
import type { CountRow, HistoryStore } from "../stores/history.ts";
import { historyDropped, historyRecovered, historyTrouble } from "../telemetry/events.ts";
import type { Answer } from "./answer.ts";
import { answerText } from "./answer-text.ts";
import { CheckTally, MINUTE_MS, minuteOf } from "./check-tally.ts";
import { type Change, type HistoryPage, type HistoryQuery, historyPage } from "./history-page.ts";

interface HistoryDeps {
  readonly store: HistoryStore;
  readonly clock: Clock;
}

// Changes are written together after this time, and what is left of a large batch after a pause.
const WRITE_MS = 1000;
const PAUSE_MS = 50;
const RETRY_MS = 5000;
const BATCH_ROWS = 500;
/** Changes that may wait to be written; when there are more, the oldest are dropped, a tenth at once. */
const MOST_WAITING = 50_000;
/** Counts are given for so much of a range at most, its end. */
const COUNTED_MS = 24 * 60 * MINUTE_MS;

type Action = Parameters<typeof historyTrouble>[0]["action"];

/**
 * History remembers what the availability of destinations was and how Checks were answered, over restarts. Telling it
 * costs next to nothing and never fails: it is written behind, and trouble with its file is only logged. What happened in
 * the last second, and the counts of the minute under way, are lost when the process is killed.
 */
export class History {
  readonly #deps: HistoryDeps;
  readonly #tally: CheckTally;
  /** Changes that are not written, in the order in which they happened. */
  #waiting: Change[] = [];
  /** The newest change of every destination there is: it is in force however long ago it happened. */
  readonly #newest = new Map<string, Change>();
  /** The write under way; it never rejects. */
  #writing: Promise<void> | undefined;
  #cancelTimer: (() => void) | undefined;
  /** What was said of trouble, once for each kind. */
  readonly #troubles = new Map<Action, string>();
  #closed = false;

  constructor(deps: HistoryDeps) {
    this.#deps = deps;
    this.#tally = new CheckTally({
      clock: deps.clock,
      onMinute: () => this.#schedule(WRITE_MS),
      onDropped: (counts) => historyDropped({ changes: 0, counts }),
    });
  }

  /** The watched state of a destination became `answer` at `now`, its first state included. */
  changed(answer: Answer, now: number): void {
    const { destinationId, version } = answer;
    const change = { destinationId, version, time: now, answer };
    this.#newest.set(destinationId, change);
    this.#add(change);
  }

  /** A destination was removed at `now`; its history can be asked for until it is old. */
  removed(destinationId: string, version: bigint, now: number): void {
    this.#newest.delete(destinationId);
    this.#add({ destinationId, version, time: now, answer: undefined });
  }

  /** A Check was answered. */
  checked(answer: Pick<Answer, "destinationId" | "reason" | "accepted">): void {
    if (!this.#closed) this.#tally.count(answer);
  }

  /** What happened in a range of time, up to now. Rejects with UNAVAILABLE while the history cannot be read. */
  async list(query: HistoryQuery): Promise<HistoryPage> {
    const { destinationId, size, after } = query;
    // What is being written is neither here nor there.
    while (this.#writing) await this.#writing;
    const minutes = after === undefined ? this.#minutesOf(query) : undefined;
    // In this turn nothing can be written between the two.
    const reading = this.#deps.store.read({ ...query, size: size + 1, minutes });
    const held = {
      changes: this.#heldOf(destinationId),
      counts: minutes ? this.#tally.of(destinationId, minutes) : [],
    };
    return historyPage(query, await reading, held);
  }

  /** Writes what is not written and lets the store go. Nothing that happens later is remembered. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#tally.endMinute();
    this.#cancelTimer?.();
    await this.#writing;
    while (this.#hasWaiting() && (await this.#writeBatch()));
    this.#drop(this.#waiting.length, this.#tally.take(Number.POSITIVE_INFINITY).length);
    await this.#try("close", () => this.#deps.store.close());
  }

  #add(change: Change): void {
    if (this.#closed) return;
    if (this.#waiting.push(change) > MOST_WAITING) this.#drop(MOST_WAITING / 10, 0);
    this.#schedule(WRITE_MS);
  }

  #schedule(ms: number): void {
    if (this.#cancelTimer || this.#writing || this.#closed) return;
    this.#cancelTimer = this.#deps.clock.after(ms, () => {
      this.#cancelTimer = undefined;
      this.#writing = this.#write().then((nextMs) => {
        this.#writing = undefined;
        if (nextMs !== undefined) this.#schedule(nextMs);
      });
    });
  }

  /** Writes a batch and forgets a little; answers in how many milliseconds there is more to do. */
  async #write(): Promise<number | undefined> {
    if (!(await this.#writeBatch())) return RETRY_MS;
    const more = await this.#try("prune", () => this.#deps.store.prune(this.#deps.clock.now()));
    if (more || this.#waiting.length > BATCH_ROWS || this.#tally.waits) return PAUSE_MS;
    return this.#hasWaiting() ? WRITE_MS : undefined;
  }

  /** Whether it could be done; if not, what was to be written waits again. */
  async #writeBatch(): Promise<boolean> {
    const changes = this.#waiting.splice(0, BATCH_ROWS);
    const counts = changes.length < BATCH_ROWS ? this.#tally.take(BATCH_ROWS - changes.length) : [];
    const rows = changes.map(({ answer, ...rest }) => ({ ...rest, answer: answer && answerText(answer) }));
    const written = await this.#try("write", async () => {
      await this.#deps.store.write({ changes: rows, counts });
      return true;
    });
    if (written) return true;
    this.#putBack(changes, counts);
    return false;
  }

  #putBack(changes: readonly Change[], counts: readonly CountRow[]): void {
    this.#waiting = [...changes, ...this.#waiting];
    this.#tally.putBack(counts);
  }

  #hasWaiting(): boolean {
    return this.#waiting.length > 0 || this.#tally.waits;
  }

  #heldOf(destinationId: string): Change[] {
    const newest = this.#newest.get(destinationId);
    const waiting = this.#waiting.filter((change) => change.destinationId === destinationId);
    return newest ? [...waiting, newest] : waiting;
  }

  #minutesOf({ startMs, endMs }: HistoryQuery): { from: number; to: number } {
    const present = minuteOf(this.#deps.clock.now()) + MINUTE_MS;
    // A range that is a point in time has the minute that it lies in.
    const end = Math.max(Math.ceil(endMs / MINUTE_MS) * MINUTE_MS, minuteOf(startMs) + MINUTE_MS);
    const to = Math.min(end, present);
    return { from: Math.max(minuteOf(startMs), to - COUNTED_MS), to };
  }

  #drop(changes: number, counts: number): void {
    this.#waiting.splice(0, changes);
    if (changes + counts > 0) historyDropped({ changes, counts });
  }

  /** Undefined when it could not be done, which is logged once until it can be done again. */
  async #try<T>(action: Action, work: () => Promise<T>): Promise<T | undefined> {
    try {
      const done = await work();
      if (this.#troubles.delete(action)) historyRecovered({ action });
      return done;
    } catch (error) {
      const { message } = error as Error;
      if (this.#troubles.get(action) !== message) historyTrouble({ action, message });
      this.#troubles.set(action, message);
      return undefined;
    }
  }
}
