import type { SpanContext } from "@opentelemetry/api";
import type { Clock } from "../lib/clock.ts";
import type { Budget } from "../ringcentral/budget.ts";
import type { PresenceReader, ReadResult } from "../ringcentral/presence-reader.ts";
import type { Question } from "../ringcentral/question.ts";
import { backOffOpened, callerCoalesced } from "../telemetry/events.ts";
import type { BackOffs } from "../upstream/backoff.ts";
import { ASKED_LATELY_MS } from "./cadence.ts";
import { OVER_BUDGET, performRead } from "./perform-read.ts";
import { Read } from "./read.ts";
import type { ReadOutcome, Snapshot, Trouble } from "./snapshot.ts";

/** What a destination asks of its question's reads. */
export interface Member {
  readonly maxAgeMs: number;
  readonly timeoutMs: number;
  /** The question's `newest` or `trouble` is new. */
  onRead(): void;
}

export interface QuestionDeps {
  readonly clock: Clock;
  readonly budget: Budget;
  readonly reader: PresenceReader;
  readonly backOffs: Pick<BackOffs, "open" | "blocked" | "succeeded" | "forgive">;
  /** Time between scheduled reads of this question, in milliseconds. */
  readonly interval: (reads: QuestionReads) => number;
}

/**
 * QuestionReads owns the reads of one question: at most one runs and one waits, everybody who asks shares them, and
 * while the question is in demand they repeat.
 */
export class QuestionReads {
  readonly question: Question;
  readonly members = new Set<Member>();
  /** The newest snapshot, however old. */
  newest: Snapshot | undefined;
  /** The newest failure, if nothing was read since. */
  trouble: Trouble | undefined;

  readonly #deps: QuestionDeps;
  readonly #keys: { question: string; connection: string; budget: string };
  readonly #allKeys: readonly string[];
  #watchers = 0;
  #askedAt = Number.NEGATIVE_INFINITY;
  #startedAt = Number.NEGATIVE_INFINITY;
  #running: Read | undefined;
  #waiting: Read | undefined;
  #cancelNext: (() => void) | undefined;
  #nextAt: number | undefined;
  #retired = false;
  #stopped = false;

  constructor(question: Question, deps: QuestionDeps) {
    this.question = question;
    this.#deps = deps;
    this.#keys = {
      question: `question ${question.key}`,
      connection: `connection ${question.connectionKey}`,
      budget: `budget ${question.budgetKey}`,
    };
    this.#allKeys = Object.values(this.#keys);
  }

  /** Watched actively, or asked by a Check lately. */
  get inDemand(): boolean {
    return this.#watchers > 0 || this.#deps.clock.now() - this.#askedAt < ASKED_LATELY_MS;
  }

  /** When the next scheduled read is due, Unix milliseconds; undefined when none is. */
  get nextAt(): number | undefined {
    return this.#nextAt;
  }

  /** Time between scheduled reads as things are, in milliseconds. */
  get intervalMs(): number {
    return this.#deps.interval(this);
  }

  /** What keeps this question from being asked now. */
  blocked(now: number): Trouble | undefined {
    return this.#deps.backOffs.blocked(this.#allKeys, now);
  }

  /** A new configuration may have cured what failed: asks again at once, unless a penalty forbids it. */
  forgive(): void {
    this.#deps.backOffs.forgive([this.#keys.question, this.#keys.connection]);
    if (this.trouble && !this.blocked(this.#deps.clock.now())) {
      this.trouble = undefined;
      this.#tell();
    }
    this.schedule();
  }

  /** A Check asks about this question: for a while it is read again before it is too old. */
  touch(now: number): void {
    this.#askedAt = now;
    if (!this.#cancelNext && !this.#running) this.schedule();
  }

  /** An active watcher came (1) or went (-1). */
  watch(change: 1 | -1): void {
    this.#watchers += change;
    this.schedule();
  }

  /**
   * Waits for a read that was sent late enough, and starts one if there is none. `answerBy` is when the caller leaves,
   * `endsAt` how long the read may take for his sake, both Unix milliseconds.
   */
  ask(caller: {
    lateEnough: (sentAt: number) => boolean;
    answerBy: number;
    endsAt: number;
    link: SpanContext | undefined;
  }): Promise<ReadOutcome> {
    const now = this.#deps.clock.now();
    const running = this.#running;
    if (running && (running.sentAt === undefined || caller.lateEnough(running.sentAt))) {
      if (running.waitsUntil >= caller.answerBy) return overBudget(running.waitsUntil);
      callerCoalesced();
      running.join(caller.endsAt, caller.link);
      return running.outcome;
    }
    const blocked = this.blocked(now);
    if (blocked) {
      this.#troubled(blocked);
      return Promise.resolve({ ok: false, trouble: blocked });
    }
    const freeAt = this.#deps.budget.freeAt(now, "check");
    if (freeAt > now && freeAt >= caller.answerBy) return overBudget(freeAt);
    if (this.#waiting) callerCoalesced();
    const read = this.#waiting ?? new Read(this.#deps.clock);
    read.join(caller.endsAt, caller.link);
    if (running) this.#waiting = read;
    else void this.#run(read);
    return read.outcome;
  }

  /** Sets the time of the next scheduled read anew, after anything that bears on it. */
  schedule(): void {
    this.#cancelNext?.();
    this.#cancelNext = undefined;
    this.#nextAt = undefined;
    if (this.#retired || this.#running || !this.inDemand) return;
    const now = this.#deps.clock.now();
    const due = Math.max(
      // After a failure the back-off alone says when; it may end long before the interval does.
      this.trouble ? now : this.#startedAt + this.intervalMs,
      this.blocked(now)?.until ?? 0,
      this.#deps.budget.freeAt(now, "scheduled"),
    );
    this.#nextAt = Math.max(due, now);
    this.#cancelNext = this.#deps.clock.after(due - now, () => this.#scheduled());
  }

  /** Nobody asks this question any more; who still waits for a read gets it. */
  retire(): void {
    this.#retired = true;
    this.#cancelNext?.();
    this.#cancelNext = undefined;
  }

  /** The service stops: ends the reads under way. */
  stop(): void {
    this.retire();
    this.#stopped = true;
    this.#running?.stop();
    this.#waiting?.stop();
  }

  #scheduled(): void {
    this.#cancelNext = undefined;
    this.#nextAt = undefined;
    if (this.#running || !this.inDemand) return;
    const now = this.#deps.clock.now();
    const blocked = this.blocked(now);
    if (blocked) this.#troubled(blocked);
    if (blocked || this.#deps.budget.freeAt(now, "scheduled") > now) {
      this.schedule();
      return;
    }
    const read = new Read(this.#deps.clock);
    read.join(now + Math.max(...[...this.members].map((member) => member.timeoutMs)), undefined);
    void this.#run(read);
  }

  async #run(read: Read): Promise<void> {
    this.#running = read;
    this.#cancelNext?.();
    this.#cancelNext = undefined;
    this.#nextAt = undefined;
    const { clock, budget, reader } = this.#deps;
    const onStart = (now: number) => {
      this.#startedAt = now;
    };
    const result = await performRead(this.question, read, { clock, budget, reader, onStart });
    this.#running = undefined;
    const outcome = this.#settle(result, clock.now());
    read.finish(outcome);
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (waiting && outcome.ok) void this.#run(waiting);
    else waiting?.finish(outcome);
    this.schedule();
  }

  #settle(result: ReadResult, now: number): ReadOutcome {
    const { backOffs, budget } = this.#deps;
    if (result.limit) budget.observe(result.limit, now);
    if (result.ok) {
      backOffs.succeeded(this.#allKeys);
      this.newest = { document: result.document, observedAt: result.sentAt };
      this.trouble = undefined;
      this.#tell();
      return { ok: true, snapshot: this.newest };
    }
    const { failure } = result;
    if (failure === OVER_BUDGET) return { ok: false, trouble: { failure, until: budget.freeAt(now, "check") } };
    // The service is stopping: what was cut off says nothing about RingCentral.
    if (this.#stopped) return { ok: false, trouble: { failure, until: now } };
    const key = this.#keys[failure.scope];
    const until = backOffs.open(key, failure, now);
    const { scope, reason, message } = failure;
    backOffOpened({ scope, reason, message, key, untilMs: until });
    this.#troubled({ failure, until });
    return { ok: false, trouble: { failure, until } };
  }

  #troubled(trouble: Trouble): void {
    const known = this.trouble;
    this.trouble = trouble;
    if (known?.failure !== trouble.failure || known.until !== trouble.until) this.#tell();
  }

  #tell(): void {
    for (const member of this.members) member.onRead();
  }
}

function overBudget(until: number): Promise<ReadOutcome> {
  return Promise.resolve({ ok: false, trouble: { failure: OVER_BUDGET, until } });
}
