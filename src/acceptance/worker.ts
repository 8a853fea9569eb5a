import { parentPort } from "node:worker_threads";
import { RE2JS } from "re2js";
import { type Found, type SearchTask, search } from "./search.ts";

// The thread on which patterns run that could hold the main thread up. It takes one job at a time and may be ended in
// the middle of one.

export interface WorkerJob {
  readonly pattern: string;
  readonly task: SearchTask;
  readonly texts: readonly string[];
}

/** "ready" once, then for each job what was found, or why it could not be searched. */
export type WorkerReply = "ready" | { readonly found: Found } | { readonly problem: string };

const COMPILED = 64;
const compiled = new Map<string, RE2JS>();

parentPort?.on("message", (job: WorkerJob) => reply(answer(job)));
reply("ready");

function answer({ pattern, task, texts }: WorkerJob): WorkerReply {
  try {
    const re = compiled.get(pattern) ?? RE2JS.compile(pattern);
    if (compiled.size >= COMPILED) compiled.clear();
    compiled.set(pattern, re);
    return { found: search(re, task, texts, () => true)! };
  } catch (error) {
    return { problem: (error as Error).message };
  }
}

function reply(message: WorkerReply): void {
  parentPort?.postMessage(message);
}
