import { parentPort } from "node:worker_threads";
import { RE2JS } from "re2js";
import type { JsonObject } from "./json.ts";
import { compileJsonPath, type JsonPath } from "./json-path.ts";
import { PathFailure } from "./path-functions.ts";
import { type FoundNodes, findNodes } from "./path-search.ts";
import { type Found, type Located, locate, type SearchTask, search } from "./search.ts";

// The thread on which patterns and paths run that could hold the main thread up. It takes one job at a time and may be
// ended in the middle of one.

export type WorkerJob =
  | { readonly kind: "search"; readonly pattern: string; readonly task: SearchTask; readonly texts: readonly string[] }
  | { readonly kind: "locate"; readonly pattern: string; readonly most: number; readonly texts: readonly string[] }
  | { readonly kind: "path"; readonly path: string; readonly most: number; readonly json: string };

/** What each kind of job finds. */
export interface WorkerFinds {
  search: Found;
  locate: Located;
  path: FoundNodes;
}

/** "ready" once, then for each job what it found, or why it could not be done, where that is known. */
export type WorkerReply = "ready" | { readonly found: WorkerFinds[WorkerJob["kind"]] } | { readonly problem?: string };

const COMPILED = 64;
const patterns = new Map<string, RE2JS>();
const paths = new Map<string, JsonPath>();
// Its time is limited from outside.
const unlimited = () => true;

parentPort?.on("message", (job: WorkerJob) => reply(answer(job)));
reply("ready");

function answer(job: WorkerJob): WorkerReply {
  try {
    return { found: perform(job) };
  } catch (error) {
    return error instanceof PathFailure ? { problem: error.message } : {};
  }
}

function perform(job: WorkerJob): WorkerFinds[WorkerJob["kind"]] {
  switch (job.kind) {
    case "search":
      return search(compiled(patterns, job.pattern, RE2JS.compile), job.task, job.texts, unlimited)!;
    case "locate":
      return locate(compiled(patterns, job.pattern, RE2JS.compile), job.texts, job.most, unlimited)!;
    case "path":
      return findNodes(compiled(paths, job.path, compilePath), job.most, JSON.parse(job.json) as JsonObject, unlimited);
  }
}

function compilePath(written: string): JsonPath {
  const compiled = compileJsonPath(written);
  if (!compiled.ok) throw new Error(compiled.description);
  return compiled.path;
}

function compiled<T>(known: Map<string, T>, written: string, compile: (written: string) => T): T {
  const result = known.get(written) ?? compile(written);
  if (known.size >= COMPILED) known.clear();
  known.set(written, result);
  return result;
}

function reply(message: WorkerReply): void {
  parentPort?.postMessage(message);
}
