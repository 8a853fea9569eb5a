import type { Clock } from "../lib/clock.ts";
import type { Connection, QueueNeed } from "../ringcentral/connection.ts";
import type { QuestionReads } from "./question-reads.ts";

// Destinations come in crowds, at a start above all; what push has to carry is told once for all of them.
const WANT_PAUSE_MS = 100;
// Without demand for so long, push is wanted no more.
const PUSH_LINGERS_MS = 900_000;

/** ConnectionQuestions is everything that is asked over one connection. */
export class ConnectionQuestions {
  readonly connection: Connection;
  readonly #clock: Clock;
  readonly #byQueue = new Map<string, Set<QuestionReads>>();
  readonly #all = new Set<QuestionReads>();
  #cancelWant: (() => void) | undefined;
  #cancelEnd = () => {};
  readonly #unlisten: () => void;
  #lastDemandAt = Number.NEGATIVE_INFINITY;

  /** `onToken`: told of a new token before the questions are. */
  constructor(connection: Connection, { clock, onToken }: { clock: Clock; onToken: () => void }) {
    this.connection = connection;
    this.#clock = clock;
    this.#unlisten = connection.listen({
      onNews: (queueIds) => {
        for (const id of queueIds) for (const reads of this.#byQueue.get(id) ?? []) reads.news();
      },
      onToken: () => {
        onToken();
        for (const reads of this.#all) reads.forgive();
        // Another credential may be worth push, where the one before was not.
        this.changed();
      },
    });
  }

  get size(): number {
    return this.#all.size;
  }

  [Symbol.iterator](): IterableIterator<QuestionReads> {
    return this.#all.values();
  }

  add(reads: QuestionReads): void {
    const { queueId } = reads.question.queue;
    const same = this.#byQueue.get(queueId) ?? new Set();
    this.#byQueue.set(queueId, same.add(reads));
    this.#all.add(reads);
  }

  delete(reads: QuestionReads): void {
    const { queueId } = reads.question.queue;
    const same = this.#byQueue.get(queueId);
    this.#all.delete(reads);
    this.#lastDemandAt = Math.max(this.#lastDemandAt, reads.demand.lastAt);
    same?.delete(reads);
    if (same?.size !== 0) return;
    this.#byQueue.delete(queueId);
    this.connection.forget(queueId);
  }

  /** Something bears on what push has to carry. */
  changed(): void {
    this.#cancelWant ??= this.#clock.after(WANT_PAUSE_MS, () => this.#want());
  }

  close(): void {
    this.#unlisten();
    this.#cancelWant?.();
    this.#cancelWant = undefined;
    this.#cancelEnd();
  }

  /** Passive watchers are no reason to call RingCentral: push begins with demand, and ends long after it. */
  #want(): void {
    this.#cancelWant = undefined;
    const now = this.#clock.now();
    for (const { demand } of this.#all) this.#lastDemandAt = Math.max(this.#lastDemandAt, demand.lastAt);
    const left = this.#lastDemandAt + PUSH_LINGERS_MS - now;
    this.connection.want(left > 0 ? [...this.#all].flatMap(needOf) : []);
    this.#cancelEnd();
    this.#cancelEnd = left > 0 ? this.#clock.after(left, () => this.changed()) : () => {};
  }
}

/** What push has to carry for a question; nothing while no destination asks it. */
function needOf({ demand, question }: QuestionReads): QueueNeed[] {
  const members = [...demand.askers];
  if (members.length === 0) return [];
  const needs = new Set(members.flatMap(({ dependsOn }) => dependsOn));
  return [
    {
      accountId: question.queue.accountId,
      queueId: question.queue.queueId,
      extensions: needs.has("doNotDisturb") || needs.has("extension"),
      maxAgeMs: demand.maxAgeMs,
    },
  ];
}
