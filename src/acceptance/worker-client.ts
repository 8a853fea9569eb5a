import { Worker } from "node:worker_threads";
import type { Clock } from "../lib/clock.ts";
import type { Found } from "./search.ts";
import type { WorkerJob, WorkerReply } from "./worker.ts";

/** How long one job may run before its thread is ended. */
export const LONGEST_RUN_MS = 250;
/** Jobs that may wait behind the one that runs. */
export const LONGEST_QUEUE = 32;

// A pattern's program and automaton are bounded; this keeps what is not foreseen from taking the service's memory.
const RESOURCE_LIMITS = { maxOldGenerationSizeMb: 256 };

export type SearchOutcome =
  | { readonly ok: true; readonly found: Found }
  | { readonly ok: false; readonly problem: string };

/** The engine or its thread failed, which no pattern should make it do. */
export const NOT_EVALUATED: SearchOutcome = { ok: false, problem: "the pattern cannot be evaluated" };

interface Queued {
  readonly job: WorkerJob;
  readonly settle: (outcome: SearchOutcome) => void;
}

interface PatternWorkerDeps {
  readonly clock: Clock;
  readonly overran: (e: { pattern: string; limitMs: number }) => void;
}

/**
 * PatternWorker searches on one thread of its own, one job after the other. The thread starts with the first job, is
 * ended when a job runs for more than 250 ms, and is then started anew for the next one.
 */
export class PatternWorker {
  readonly #deps: PatternWorkerDeps;
  readonly #waiting: Queued[] = [];
  #thread: Worker | undefined;
  #ready = false;
  #running: (Queued & { cancelTimer: () => void }) | undefined;
  #closed = false;
  /** Threads being ended. */
  readonly #ending = new Set<Promise<unknown>>();

  constructor(deps: PatternWorkerDeps) {
    this.#deps = deps;
  }

  /** Never rejects: a full queue, an overrun and a failed thread are outcomes. */
  search(job: WorkerJob): Promise<SearchOutcome> {
    if (this.#closed) return Promise.resolve(failed("the service is stopping"));
    if (this.#waiting.length >= LONGEST_QUEUE) {
      return Promise.resolve(failed(`${LONGEST_QUEUE} evaluations of costly patterns are already waiting`));
    }
    return new Promise((settle) => {
      this.#waiting.push({ job, settle });
      this.#next();
    });
  }

  /** Ends the thread; what runs or waits fails. Resolves when no thread is left. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#end();
    this.#settle(failed("the service is stopping"));
    for (const { settle } of this.#waiting.splice(0)) settle(failed("the service is stopping"));
    await Promise.all(this.#ending);
  }

  #next(): void {
    if (this.#running !== undefined || this.#closed) return;
    const queued = this.#waiting[0];
    if (queued === undefined) {
      this.#thread?.unref();
      return;
    }
    this.#thread ??= this.#start();
    // Work keeps the process alive until it is answered, which its time limit bounds; an idle thread does not.
    this.#thread.ref();
    if (!this.#ready) return;
    this.#waiting.shift();
    this.#running = { ...queued, cancelTimer: this.#deps.clock.after(LONGEST_RUN_MS, () => this.#overrun(queued)) };
    this.#thread.postMessage(queued.job);
  }

  #start(): Worker {
    const thread = new Worker(new URL("./worker.ts", import.meta.url), {
      name: "patterns",
      resourceLimits: RESOURCE_LIMITS,
    });
    thread.on("message", (reply: WorkerReply) => {
      if (thread !== this.#thread) return;
      if (reply === "ready") this.#ready = true;
      else this.#settle("found" in reply ? { ok: true, found: reply.found } : NOT_EVALUATED);
      this.#next();
    });
    thread.on("error", () => this.#lost(thread));
    thread.on("exit", () => this.#lost(thread));
    return thread;
  }

  #overrun(queued: Queued): void {
    // An answer that arrived while this thread was held up is delivered before the next immediate.
    setImmediate(() => {
      if (this.#running?.job !== queued.job) return;
      this.#end();
      this.#deps.overran({ pattern: queued.job.pattern, limitMs: LONGEST_RUN_MS });
      this.#settle(failed(`the pattern took longer than ${LONGEST_RUN_MS} ms`));
      this.#next();
    });
  }

  /** A thread died by itself. One that cannot even start fails a waiting job instead of being started for ever. */
  #lost(thread: Worker): void {
    if (thread !== this.#thread) return;
    const started = this.#ready;
    this.#end();
    if (!started) this.#waiting.shift()?.settle(NOT_EVALUATED);
    this.#settle(NOT_EVALUATED);
    this.#next();
  }

  #settle(outcome: SearchOutcome): void {
    const running = this.#running;
    this.#running = undefined;
    running?.cancelTimer();
    running?.settle(outcome);
  }

  #end(): void {
    const thread = this.#thread;
    this.#thread = undefined;
    this.#ready = false;
    if (thread === undefined) return;
    const ended = thread.terminate().finally(() => this.#ending.delete(ended));
    this.#ending.add(ended);
  }
}

function failed(problem: string): SearchOutcome {
  return { ok: false, problem };
}
