import type { Clock } from "../lib/clock.ts";
import { Turn } from "../ringcentral/calls/turn.ts";
import type { PresenceReader } from "../ringcentral/presence-reader.ts";
import type { Question } from "../ringcentral/question.ts";
import { callerCoalesced } from "../telemetry/events.ts";
import { RENEW_AT, retryAt, SHORTEST_INTERVAL_MS } from "./cadence.ts";
import { Demand } from "./demand.ts";
import { Latest } from "./latest.ts";
import { NextRead } from "./next-read.ts";
import { performRead } from "./perform-read.ts";
import { type BackOffDeps, QuestionBackOff } from "./question-back-off.ts";
import { type Asking, Read } from "./read.ts";
import { type ReadOutcome, refused, type Snapshot, type Trouble } from "./snapshot.ts";

export interface QuestionDeps extends BackOffDeps {
  readonly clock: Clock;
  readonly reader: PresenceReader;
  /** When its connection's budget allows a call, Unix milliseconds. */
  readonly freeAt: (turn: Turn) => number;
  /** Time between scheduled reads of this question, in milliseconds. */
  readonly interval: (reads: QuestionReads) => number;
  /** The question is in demand now, and was not, or the other way round. */
  readonly onDemand: () => void;
  /** No read is under way any more. */
  readonly onIdle: (reads: QuestionReads) => void;
}

/**
 * QuestionReads owns the reads of one question: at most one runs and one waits, everybody who asks shares them, and
 * while the question is in demand they repeat.
 */
export class QuestionReads {
  readonly question: Question;
  readonly demand: Demand;

  readonly #deps: QuestionDeps;
  readonly #backOff: QuestionBackOff;
  readonly #next: NextRead;
  #startedAt: number;
  #running: Read | undefined;
  #waiting: Read | undefined;
  readonly #latest: Latest;
  #stopped = false;

  constructor(question: Question, deps: QuestionDeps) {
    this.question = question;
    this.#deps = deps;
    this.demand = new Demand(deps.clock);
    this.#backOff = new QuestionBackOff(question, deps);
    this.#next = new NextRead(deps.clock);
    this.#latest = new Latest(deps.reader.current(question));
    this.#startedAt = this.#latest.readAt;
  }

  /** The newest snapshot, however old. */
  get newest(): Snapshot | undefined {
    return this.#latest.snapshot;
  }

  /** The newest failure, if nothing was read since. */
  get trouble(): Trouble | undefined {
    return this.#latest.trouble;
  }

  /** Push keeps everything current that its destinations depend on, so that it is read for certainty only. */
  get pushed(): boolean {
    return this.demand.keptByPush(this.newest);
  }

  /** A read is under way. */
  get reading(): boolean {
    return this.#running !== undefined;
  }

  /** Until when the read under way waits for the budget, Unix milliseconds; 0 when none does. */
  get waitsUntil(): number {
    return this.#running?.turn.waitsUntil ?? 0;
  }

  /** When the next scheduled read is due, Unix milliseconds; undefined when none is. */
  get nextAt(): number | undefined {
    return this.#next.at ?? (this.waitsUntil || undefined);
  }

  /** Time between scheduled reads as things are, in milliseconds. */
  get intervalMs(): number {
    return this.#deps.interval(this);
  }

  /** What keeps this question from being asked now. */
  get blocked(): Trouble | undefined {
    return this.#backOff.blocked;
  }

  /** A new configuration or token may have cured what failed: asks again at once, unless a penalty forbids it. */
  forgive(): void {
    this.#backOff.forgive();
    if (!this.trouble) return;
    this.#latest.trouble = this.blocked;
    if (!this.trouble) this.#startedAt = Number.NEGATIVE_INFINITY;
    this.schedule();
    this.#tell();
  }

  /** A Check asks about this question: for a while it is read again before it is too old. */
  touch(): void {
    const fresh = !this.demand.askedLately;
    this.demand.touch();
    if (fresh) this.#deps.onDemand();
    if (this.#next.at === undefined && !this.#running) this.schedule();
  }

  /** An active watcher came (1) or went (-1). */
  watch(change: 1 | -1): void {
    this.demand.watch(change);
    this.#deps.onDemand();
    this.schedule();
  }

  /** Push told something, or began or ceased to keep something current. */
  news(): void {
    this.#latest.hear(this.#deps.reader.current(this.question));
    this.schedule();
    this.#tell();
  }

  /** Waits for a read that was sent late enough, and starts one if there is none. */
  ask(caller: Asking): Promise<ReadOutcome> {
    const now = this.#deps.clock.now();
    const running = this.#running;
    const suits = running?.suits(caller.notBefore) === true;
    const inFlight = suits && running.sentAt !== undefined && caller.lateEnough(running.sentAt);
    const blocked = inFlight ? undefined : this.blocked;
    if (blocked) {
      this.#latest.trouble = blocked;
      this.#tell();
      return Promise.resolve({ ok: false, trouble: blocked });
    }
    if (running && (inFlight || running.sentAt === undefined)) {
      running.turn.raise();
      const until = running.turn.waitsUntil;
      if (until >= caller.answerBy) return Promise.resolve(refused(until));
      callerCoalesced();
      running.join(caller);
      return running.outcomeFor(caller, refused);
    }
    const turn = new Turn(this.newest ? "check" : "never_read");
    turn.raise();
    const freeAt = this.#deps.freeAt(turn);
    if (freeAt > now && freeAt >= caller.answerBy) return Promise.resolve(refused(freeAt));
    if (this.#waiting) callerCoalesced();
    const read = this.#waiting ?? new Read(this.#deps.clock, turn);
    read.join(caller);
    if (running) this.#waiting = read;
    else void this.#run(read);
    return read.outcomeFor(caller, refused);
  }

  /** Sets the time of the next scheduled read anew, after anything that bears on it. */
  schedule(): void {
    this.#next.cancel();
    const wanted = !this.#stopped && this.demand.members.size > 0 && this.demand.present;
    // One that waits for its turn and that nobody wants any more is not to cost a call.
    const running = this.#running;
    if (!wanted && running && !running.begun && !running.turn.forCheck) running.stop();
    if (!wanted || running) return;
    const due = this.#dueAt(this.#deps.clock.now());
    const freeAt = this.#deps.freeAt(new Turn(this.demand.purpose(this.newest)));
    this.#next.set(due, Math.max(due, freeAt), () => this.#scheduled());
  }

  /** The service stops: ends the reads under way. */
  stop(): void {
    this.#stopped = true;
    this.schedule();
    this.#running?.stop();
    this.#waiting?.stop();
  }

  // After a failure the back-off alone says when; it may end long before the interval does. One that another question
  // opened is met, and told, when the next read falls due inside it.
  #dueAt(now: number): number {
    if (this.trouble) return retryAt(Math.max(this.trouble.until, this.blocked?.until ?? 0), now);
    // Who is in the queue is told by nothing but a read of it.
    const intervalMs = this.#deps.reader.outdated(this.question) ? SHORTEST_INTERVAL_MS : this.intervalMs;
    return Math.max(this.#startedAt, this.demand.keptUntil(this.newest)) + intervalMs;
  }

  #scheduled(): void {
    if (this.#running || !this.demand.present) return;
    const now = this.#deps.clock.now();
    const { blocked } = this;
    if (blocked) {
      this.#latest.trouble = blocked;
      this.schedule();
      this.#tell();
      return;
    }
    const read = new Read(this.#deps.clock, new Turn(this.demand.purpose(this.newest)));
    // What it is put together from has to last until the next one.
    read.join({ endsAt: now, notBefore: now - (1 - RENEW_AT) * this.demand.maxAgeMs });
    void this.#run(read);
  }

  async #run(read: Read): Promise<void> {
    this.#running = read;
    this.schedule();
    // It may take as long as any destination of the question allows: who is in a hurry leaves it, and fails nobody else.
    const begin = () => read.begin(this.demand.timeoutMs);
    if (read.turn.forCheck) begin();
    const outcome = this.#settle(
      read,
      await performRead(this.question, read, {
        reader: this.#deps.reader,
        // Told of every call that it takes: the first one is its beginning.
        onTurn: () => {
          if (read.sentAt !== undefined) return;
          if (!read.begun) begin();
          this.#startedAt = this.#deps.clock.now();
        },
        onAttempt: (call) => this.demand.called(call),
      }),
    );
    this.#running = undefined;
    const waiting = this.#waiting;
    this.#waiting = undefined;
    // A failure answers all who waited. Who waited for the next read may have left: then there is none.
    if (!outcome.ok) waiting?.finish(outcome);
    else if (waiting && waiting.wantedUntil > this.#deps.clock.now()) void this.#run(waiting);
    this.schedule();
    this.#tell();
    read.finish(outcome);
    if (!this.#running) this.#deps.onIdle(this);
  }

  #settle(read: Read, came: ReadOutcome): ReadOutcome {
    // The service is stopping: what was cut off says nothing about RingCentral. Nor does what was never to be sent.
    const givenUp = !read.begun && read.timeUp.aborted;
    if (!came.ok && (this.#stopped || givenUp)) return came;
    const outcome = this.#backOff.settled(came);
    this.#latest.settle(outcome);
    return outcome;
  }

  /** Tells the members, if there is news. */
  #tell(): void {
    if (this.#latest.isNews()) this.demand.tell();
  }
}
