import { Worker } from "node:worker_threads";
import type { Clock } from "../lib/clock.ts";
import type { WorkerFinds, WorkerJob, WorkerReply } from "./worker.ts";

/** How long one job may run before its thread is ended. */
export const LONGEST_RUN_MS = 250;
/** Jobs that may wait behind the one that runs. */
export const LONGEST_QUEUE = 32;

// A pattern's program and automaton are bounded; this keeps what is not foreseen from taking the service's memory.
const RESOURCE_LIMITS = { maxOldGenerationSizeMb: 256 };

/** What was found, or why nothing could be. */
export type Outcome<T> = { readonly ok: true; readonly found: T } | Failed;

export interface Failed {
  readonly ok: false;
  readonly problem: string;
}

interface Queued {
  readonly job: WorkerJob;
  readonly settle: (outcome: Outcome<never>) => void;
}

interface EvaluationWorkerDeps {
  readonly clock: Clock;
  readonly overran: (e: { pattern: string; limitMs: number }) => void;
}

/**
 * EvaluationWorker runs patterns and paths on one thread of its own, one job after the other. The thread starts with the first job, is
 * ended when a job runs for more than 250 ms, and is then started anew for the next one.
 */
export class EvaluationWorker {
  readonly #deps: EvaluationWorkerDeps;
  readonly #waiting: Queued[] = [];
  #thread: Worker | undefined;
  #ready = false;
  #running: (Queued & { cancelTimer: () => void }) | undefined;
  #closed = false;
  /** Threads being ended. */
  readonly #ending = new Set<Promise<unknown>>();

  constructor(deps: EvaluationWorkerDeps) {
    this.#deps = deps;
  }

  /** Never rejects: a full queue, an overrun and a failed thread are outcomes. */
  run<J extends WorkerJob>(job: J): Promise<Outcome<WorkerFinds[J["kind"]]>> {
    if (this.#closed) return Promise.resolve(failed("the service is stopping"));
    if (this.#waiting.length >= LONGEST_QUEUE) {
      return Promise.resolve(failed(`${LONGEST_QUEUE} evaluations of costly ${subjectOf(job)}s are already waiting`));
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
    this.#settle("the service is stopping");
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
      else this.#settle("found" in reply ? { ok: true, found: reply.found as never } : reply.problem);
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
      const { job } = queued;
      this.#deps.overran({ pattern: job.kind === "path" ? job.path : job.pattern, limitMs: LONGEST_RUN_MS });
      this.#settle(`the ${subjectOf(job)} took longer than ${LONGEST_RUN_MS} ms`);
      this.#next();
    });
  }

  /** A thread died by itself. One that cannot even start fails a waiting job instead of being started for ever. */
  #lost(thread: Worker): void {
    if (thread !== this.#thread) return;
    const started = this.#ready;
    this.#end();
    const waiting = started ? undefined : this.#waiting.shift();
    waiting?.settle(notEvaluated(subjectOf(waiting.job)));
    this.#settle();
    this.#next();
  }

  /** Answers the job that runs; with no reason given, the engine or its thread failed. */
  #settle(outcome?: Outcome<never> | string): void {
    const running = this.#running;
    this.#running = undefined;
    if (running === undefined) return;
    running.cancelTimer();
    if (typeof outcome === "string") running.settle(failed(outcome));
    else running.settle(outcome ?? notEvaluated(subjectOf(running.job)));
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

/** The engine or its thread failed, which nothing written should make it do. */
export function notEvaluated(subject: "pattern" | "path"): Failed {
  return failed(`the ${subject} cannot be evaluated`);
}

function subjectOf(job: WorkerJob): "pattern" | "path" {
  return job.kind === "path" ? "path" : "pattern";
}

function failed(problem: string): Failed {
  return { ok: false, problem };
}
