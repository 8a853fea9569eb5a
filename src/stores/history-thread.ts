import { Worker } from "node:worker_threads";
import { ServiceError } from "../lib/errors.ts";
import type { HistoryBatch, HistoryQuery, HistoryRows, HistoryStore } from "./history.ts";
import type { HistoryJob, HistoryReply } from "./history-worker.ts";
import { storeUnavailable } from "./sqlite-errors.ts";

interface HistoryThreadOptions {
  /** Absolute. */
  readonly path: string;
  /** The file was damaged; it is at `aside` now, and a new one is begun. */
  readonly onSetAside: (aside: string) => void;
  /** What the thread runs; tests give others. */
  readonly script?: URL;
}

interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: ServiceError) => void;
}

/**
 * HistoryThread is the history in a file that a thread of its own reads and writes: however slow the disk is, only
 * history waits for it. A thread that dies is started anew by the next call.
 */
export class HistoryThread implements HistoryStore {
  readonly #options: HistoryThreadOptions;
  #thread: Worker | undefined;
  /** Calls that were made and not answered, in order. */
  readonly #waiting: Waiting[] = [];
  #closed = false;

  constructor(options: HistoryThreadOptions) {
    this.#options = options;
  }

  write(batch: HistoryBatch): Promise<void> {
    return this.#call({ kind: "write", batch }) as Promise<void>;
  }

  read(query: HistoryQuery): Promise<HistoryRows> {
    return this.#call({ kind: "read", query }) as Promise<HistoryRows>;
  }

  prune(now: number): Promise<boolean> {
    return this.#call({ kind: "prune", now }) as Promise<boolean>;
  }

  /** Does what was asked before, then lets the file go; resolves when no thread is left. */
  async close(): Promise<void> {
    const thread = this.#thread;
    if (this.#closed || !thread) {
      this.#closed = true;
      return;
    }
    const ended = new Promise((resolve) => thread.once("exit", resolve));
    const closed = this.#call({ kind: "close" });
    this.#closed = true;
    await Promise.allSettled([closed, ended]);
  }

  #call(job: HistoryJob): Promise<unknown> {
    if (this.#closed) return Promise.reject(storeUnavailable(job.kind, this.#options.path, "it is closed"));
    const thread = this.#thread ?? this.#start();
    this.#thread = thread;
    // A call under way keeps the process alive; an idle thread does not.
    thread.ref();
    return new Promise((resolve, reject) => {
      thread.postMessage(job);
      this.#waiting.push({ resolve, reject });
    });
  }

  #start(): Worker {
    const { path, script = new URL("./history-worker.ts", import.meta.url) } = this.#options;
    const thread = new Worker(script, { name: "history", workerData: path });
    thread.on("message", (reply: HistoryReply) => this.#take(reply));
    thread.on("error", (error) => this.#lost(thread, String(error)));
    thread.on("exit", () => this.#lost(thread, "it ended"));
    return thread;
  }

  #take(reply: HistoryReply): void {
    if ("setAside" in reply) {
      this.#options.onSetAside(reply.setAside);
      return;
    }
    const waiting = this.#waiting.shift();
    // Who closes waits for the thread's end, too.
    if (this.#waiting.length === 0 && !this.#closed) this.#thread?.unref();
    if ("done" in reply) waiting?.resolve(reply.done);
    else waiting?.reject(new ServiceError("UNAVAILABLE", reply.failed));
  }

  #lost(thread: Worker, state: string): void {
    if (thread !== this.#thread) return;
    this.#thread = undefined;
    const error = storeUnavailable("use", this.#options.path, `its thread failed (${state})`);
    for (const { reject } of this.#waiting.splice(0)) reject(error);
  }
}
