import type { SpanContext } from "@opentelemetry/api";
import { Budget } from "../ringcentral/budget.ts";
import type { Question } from "../ringcentral/question.ts";
import { achievableAgeMs, readIntervalMs } from "./cadence.ts";
import type { Member } from "./member.ts";
import { probe } from "./probe.ts";
import { type QuestionDeps, QuestionReads } from "./question-reads.ts";
import { Read } from "./read.ts";
import type { ReadOutcome } from "./snapshot.ts";

type PresenceDeps = Pick<QuestionDeps, "clock" | "reader" | "backOffs">;

/** Presence holds the reads of every question that some destination asks, and lets them share budgets. */
export class Presence {
  readonly #deps: PresenceDeps;
  readonly #questions = new Map<string, QuestionReads>();
  readonly #budgets = new Map<string, { budget: Budget; questions: Set<QuestionReads> }>();
  readonly #probes = new Set<Read>();

  constructor(deps: PresenceDeps) {
    this.#deps = deps;
  }

  /** A destination asks this question from now on. */
  attach(question: Question, member: Member): QuestionReads {
    const reads = this.#questions.get(question.key) ?? this.#open(question);
    reads.members.add(member);
    reads.schedule();
    return reads;
  }

  /** A destination no longer asks; a question that nobody asks is forgotten, after the read that may be under way. */
  detach(reads: QuestionReads, member: Member): void {
    reads.members.delete(member);
    reads.schedule();
    this.#forgetUnasked(reads);
  }

  /** Asks a question once, aside from everything, until `endsAt`, Unix milliseconds; see probe(). */
  async probe(question: Question, until: { endsAt: number; link: SpanContext | undefined }): Promise<ReadOutcome> {
    const { budget } = this.#shared(question.budgetKey);
    const calls = this.#questions.get(question.key)?.calls;
    const read = new Read(this.#deps.clock);
    read.join(until.endsAt, until.link);
    this.#probes.add(read);
    const outcome = await probe(question, read, { ...this.#deps, budget, onAttempt: (call) => calls?.add(call) });
    this.#probes.delete(read);
    return outcome;
  }

  close(): void {
    for (const read of this.#probes) read.stop();
    for (const reads of this.#questions.values()) reads.stop();
    this.#questions.clear();
    this.#budgets.clear();
  }

  #open(question: Question): QuestionReads {
    const shared = this.#shared(question.budgetKey);
    const reads = new QuestionReads(question, {
      ...this.#deps,
      budget: shared.budget,
      onIdle: (self) => this.#forgetUnasked(self),
      interval: (self) => {
        let inDemand = 0;
        for (const other of shared.questions) if (other.inDemand) inDemand++;
        const smallest = Math.min(...[...self.members].map((member) => member.maxAgeMs));
        return readIntervalMs(smallest, achievableAgeMs(inDemand, shared.budget.scheduledPerMinute));
      },
    });
    shared.questions.add(reads);
    this.#questions.set(question.key, reads);
    return reads;
  }

  #shared(budgetKey: string): { budget: Budget; questions: Set<QuestionReads> } {
    this.#forgetIdleBudgets();
    const shared = this.#budgets.get(budgetKey) ?? { budget: new Budget(), questions: new Set() };
    this.#budgets.set(budgetKey, shared);
    return shared;
  }

  // Not while a read is under way: asked again, the question must not be read twice at a time.
  #forgetUnasked(reads: QuestionReads): void {
    if (reads.members.size > 0 || reads.reading) return;
    this.#questions.delete(reads.question.key);
    this.#budgets.get(reads.question.budgetKey)?.questions.delete(reads);
  }

  // What was spent counts for as long as RingCentral counts it, even if nobody asks in between.
  #forgetIdleBudgets(): void {
    for (const [key, { budget, questions }] of this.#budgets) {
      if (questions.size === 0 && budget.idle(this.#deps.clock.now())) this.#budgets.delete(key);
    }
  }
}
