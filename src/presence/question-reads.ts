import type { SpanContext } from "@opentelemetry/api";
import type { Clock } from "../lib/clock.ts";
import type { Budget } from "../ringcentral/budget.ts";
import type { PresenceReader } from "../ringcentral/presence-reader.ts";
import { backOffKeys, type Question } from "../ringcentral/question.ts";
import { backOffOpened, callerCoalesced } from "../telemetry/events.ts";
import type { BackOffs } from "../upstream/backoff.ts";
import { ASKED_LATELY_MS } from "./cadence.ts";
import { CallLog } from "./call-log.ts";
import type { Member } from "./member.ts";
import { OVER_BUDGET, overBudget, performRead } from "./perform-read.ts";
import { Read } from "./read.ts";
import type { ReadOutcome, Snapshot, Trouble } from "./snapshot.ts";

export interface QuestionDeps {
  readonly clock: Clock;
  readonly budget: Budget;
  readonly reader: PresenceReader;
  readonly backOffs: Pick<BackOffs, "open" | "blocked" | "succeeded" | "forgive">;
  /** Time between scheduled reads of this question, in milliseconds. */
  readonly interval: (reads: QuestionReads) => number;
  /** No read is under way any more. */
  readonly onIdle: (reads: QuestionReads) => void;
}

/**
 * QuestionReads owns the reads of one question: at most one runs and one waits, everybody who asks shares them, and
 * while the question is in demand they repeat.
 */
export class QuestionReads {
  readonly question: Question;
  readonly members = new Set<Member>();
  readonly calls = new CallLog();
  /** The newest snapshot, however old. */
  newest: Snapshot | undefined;
  /** The newest failure, if nothing was read since. */
  trouble: Trouble | undefined;
  /** When the next scheduled read is due, Unix milliseconds; undefined when none is. */
  nextAt: number | undefined;

  readonly #deps: QuestionDeps;
  readonly #keys: ReturnType<typeof backOffKeys>;
  #watchers = 0;
  #askedAt = Number.NEGATIVE_INFINITY;
  #startedAt = Number.NEGATIVE_INFINITY;
  #running: Read | undefined;
  #waiting: Read | undefined;
  #cancelNext: (() => void) | undefined;
  #told: { newest?: Snapshot | undefined; trouble?: Trouble | undefined } = {};
  #stopped = false;

  constructor(question: Question, deps: QuestionDeps) {
    this.question = question;
    this.#deps = deps;
    this.#keys = backOffKeys(question);
  }

  /** Watched actively, or asked by a Check lately, for a destination that wants reads. */
  get inDemand(): boolean {
    const lately = this.#deps.clock.now() - this.#askedAt < ASKED_LATELY_MS;
    return (this.#watchers > 0 || lately) && this.members.values().some(({ asking }) => asking);
  }

  /** A read is under way. */
  get reading(): boolean {
    return this.#running !== undefined;
  }

  /** Until when the read under way waits for the budget, Unix milliseconds; 0 when none does. */
  get waitsUntil(): number {
    return this.#running?.waitsUntil ?? 0;
  }

  /** Time between scheduled reads as things are, in milliseconds. */
  get intervalMs(): number {
    return this.#deps.interval(this);
  }

  /** What keeps this question from being asked now. */
  blocked(now: number): Trouble | undefined {
    return this.#deps.backOffs.blocked(Object.values(this.#keys), now);
  }

  /** A new configuration may have cured what failed: asks again at once, unless a penalty forbids it. */
  forgive(): void {
    this.#deps.backOffs.forgive([this.#keys.question, this.#keys.connection]);
    if (!this.trouble) return;
    const blocked = this.blocked(this.#deps.clock.now());
    this.trouble = blocked;
    if (!blocked) this.#startedAt = Number.NEGATIVE_INFINITY;
    this.schedule();
    this.#tell();
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
    const inFlight = running?.sentAt !== undefined && caller.lateEnough(running.sentAt);
    const blocked = inFlight ? undefined : this.blocked(now);
    if (blocked) {
      this.trouble = blocked;
      this.#tell();
      return Promise.resolve({ ok: false, trouble: blocked });
    }
    if (running && (inFlight || running.sentAt === undefined)) {
      if (running.waitsUntil >= caller.answerBy) return Promise.resolve(overBudget(running.waitsUntil));
      callerCoalesced();
      running.join(caller.endsAt, caller.link);
      return running.outcome;
    }
    const freeAt = this.#deps.budget.freeAt(now, "check");
    if (freeAt > now && freeAt >= caller.answerBy) return Promise.resolve(overBudget(freeAt));
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
    this.nextAt = undefined;
    if (this.#stopped || this.members.size === 0 || this.#running || !this.inDemand) return;
    const now = this.#deps.clock.now();
    const due = Math.max(
      // After a failure the back-off alone says when; it may end long before the interval does. One that another
      // question opened is met, and told, when the next read falls due inside it.
      this.trouble ? (this.blocked(now)?.until ?? now) : this.#startedAt + this.intervalMs,
      this.#deps.budget.freeAt(now, "scheduled"),
    );
    this.nextAt = due;
    this.#cancelNext = this.#deps.clock.after(due - now, () => this.#scheduled());
  }

  /** The service stops: ends the reads under way. */
  stop(): void {
    this.#stopped = true;
    this.schedule();
    this.#running?.stop();
    this.#waiting?.stop();
  }

  #scheduled(): void {
    this.#cancelNext = undefined;
    this.nextAt = undefined;
    if (this.#running || !this.inDemand) return;
    const now = this.#deps.clock.now();
    const blocked = this.blocked(now);
    if (blocked) this.trouble = blocked;
    if (blocked || this.#deps.budget.freeAt(now, "scheduled") > now) {
      this.schedule();
      this.#tell();
      return;
    }
    void this.#run(new Read(this.#deps.clock));
  }

  async #run(read: Read): Promise<void> {
    this.#running = read;
    this.schedule();
    // It may take as long as any destination of the question allows: who is in a hurry leaves it, and fails nobody else.
    const timeouts = [...this.members].map(({ timeoutMs }) => timeoutMs);
    read.join(this.#deps.clock.now() + Math.max(0, ...timeouts), undefined);
    read.begin();
    const result = await performRead(this.question, read, {
      ...this.#deps,
      blocked: (now) => this.blocked(now),
      onStart: (now) => {
        this.#startedAt = now;
      },
      onAttempt: (call) => this.calls.add(call),
    });
    this.#running = undefined;
    const outcome = this.#settle(result, this.#deps.clock.now());
    const waiting = this.#waiting;
    this.#waiting = undefined;
    // A failure answers all who waited. Who waited for the next read may have left: then there is none.
    if (!outcome.ok) waiting?.finish(outcome);
    else if (waiting && waiting.endsAt > this.#deps.clock.now()) void this.#run(waiting);
    this.schedule();
    this.#tell();
    read.finish(outcome);
    if (!this.#running) this.#deps.onIdle(this);
  }

  #settle(result: Awaited<ReturnType<typeof performRead>>, now: number): ReadOutcome {
    const { backOffs, budget } = this.#deps;
    if ("trouble" in result) {
      if (result.trouble.failure !== OVER_BUDGET) this.trouble = result.trouble;
      return result;
    }
    // Where RingCentral says how long to wait, that holds, not what its counters would lead us to think.
    if (result.limit && (result.ok || result.failure.retryAfterMs === undefined)) budget.observe(result.limit, now);
    const exchange = result.exchange && { ...result.exchange, budgetMs: result.budgetMs };
    if (result.ok) {
      backOffs.succeeded(Object.values(this.#keys));
      this.newest = { document: result.document, observedAt: result.sentAt, exchange };
      this.trouble = undefined;
      return { ok: true, snapshot: this.newest };
    }
    const { failure } = result;
    // The service is stopping: what was cut off says nothing about RingCentral.
    if (this.#stopped) return { ok: false, trouble: { failure, until: now } };
    const key = this.#keys[failure.scope];
    const until = backOffs.open(key, failure, now);
    backOffOpened({ scope: failure.scope, reason: failure.reason, message: failure.message, key, untilMs: until });
    this.trouble = { failure, until, exchange };
    return { ok: false, trouble: this.trouble };
  }

  /** Tells the members, if there is news. */
  #tell(): void {
    const { newest, trouble } = this;
    const told = this.#told;
    const sameTrouble = trouble?.failure === told.trouble?.failure && trouble?.until === told.trouble?.until;
    if (newest === told.newest && sameTrouble) return;
    this.#told = { newest, trouble };
    for (const member of this.members) member.onRead();
  }
}
