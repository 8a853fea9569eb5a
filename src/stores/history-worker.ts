import { parentPort, workerData } from "node:worker_threads";
import type { HistoryBatch, HistoryQuery } from "./history.ts";
import { SqliteHistory } from "./history-sqlite.ts";

// The thread that waits for the history's disk, so that the main thread never does. It does one job after the other.

export type HistoryJob =
  | { readonly kind: "write"; readonly batch: HistoryBatch }
  | { readonly kind: "read"; readonly query: HistoryQuery }
  | { readonly kind: "prune"; readonly now: number }
  | { readonly kind: "close" };

/** For each job one `done` or `failed`, in order; between them what else happened. */
export type HistoryReply = { readonly done: unknown } | { readonly failed: string } | { readonly setAside: string };

const history = new SqliteHistory({ path: workerData as string, onSetAside: (setAside) => reply({ setAside }) });

parentPort?.on("message", (job: HistoryJob) => {
  try {
    reply({ done: perform(job) });
  } catch (error) {
    reply({ failed: (error as Error).message });
  }
  // Nothing else keeps the thread.
  if (job.kind === "close") parentPort?.close();
});

function perform(job: HistoryJob): unknown {
  switch (job.kind) {
    case "write":
      return history.write(job.batch);
    case "read":
      return history.read(job.query);
    case "prune":
      return history.prune(job.now);
    case "close":
      return history.close();
  }
}

function reply(message: HistoryReply): void {
  parentPort?.postMessage(message);
}
