import type { Clock } from "../lib/clock.ts";
import { type JsonObject, withPlainNumbers } from "./json.ts";
import type { JsonPath } from "./json-path.ts";
import { PathFailure } from "./path-functions.ts";
import { type FoundNodes, findNodes } from "./path-search.ts";
import type { CompiledPattern } from "./regex.ts";
import { type Found, type Located, locate, type SearchTask, search } from "./search.ts";
import { EvaluationWorker, notEvaluated, type Outcome } from "./worker-client.ts";

/** Work (characters searched times what each costs) up to which a search runs on the main thread: about 25 ms at the worst. */
export const MAIN_THREAD_WORK = 2_000_000;
/** Steps of a path up to which it is followed on the main thread: about 25 ms at the worst. */
export const MAIN_THREAD_STEPS = 20_000;
/** How long one evaluation may run on the main thread, in all; looked at before each find and each step. */
export const MAIN_THREAD_MS = 25;
/** The longest text, in UTF-8 bytes, that is searched as a whole or handed to the worker for a path. */
export const MAX_TEXT_BYTES = 1 << 20;

type Pending<T> = Outcome<T> | Promise<Outcome<T>>;

/** Gate decides on which thread a pattern or a path runs, so that none holds other callers up. */
export interface Gate {
  /** At once when the main thread did it, else a promise; none of the three throws. */
  search(pattern: CompiledPattern, task: SearchTask, texts: readonly string[]): Pending<Found>;
  /** Where the first `most` matches are. */
  locate(pattern: CompiledPattern, most: number, texts: readonly string[]): Pending<Located>;
  /** The nodes that a path finds, up to `most`. */
  find(path: JsonPath, most: number, json: JsonObject): Pending<FoundNodes>;
  close(): Promise<void>;
}

class OverBudget extends Error {}

export function createGate(deps: {
  readonly clock: Clock;
  readonly overran: (e: { pattern: string; limitMs: number }) => void;
}): Gate {
  const worker = new EvaluationWorker(deps);
  const { clock } = deps;
  /** Paths that were too much for the main thread once; they go to the worker at once. */
  const costly = new WeakSet<JsonPath>();

  /** On the main thread when the work is small, and undefined when it was not done there. */
  function searchHere<T>(
    { workPerChar }: CompiledPattern,
    texts: readonly string[],
    run: (mayGoOn: () => boolean) => T | undefined,
  ): Outcome<T> | undefined {
    let chars = 0;
    for (const text of texts) chars += text.length;
    if (chars * workPerChar > MAIN_THREAD_WORK) return undefined;
    const deadline = clock.now() + MAIN_THREAD_MS;
    try {
      const found = run(() => clock.now() < deadline);
      // Many finds, or the process was held up: the worker starts again, so that a pause never changes a verdict.
      return found === undefined ? undefined : { ok: true, found };
    } catch {
      return notEvaluated("pattern");
    }
  }

  function findHere(path: JsonPath, most: number, json: JsonObject): Outcome<FoundNodes> | undefined {
    const deadline = clock.now() + MAIN_THREAD_MS;
    let left = MAIN_THREAD_STEPS;
    try {
      const found = findNodes(path, most, withPlainNumbers(json) as JsonObject, (steps) => {
        left -= steps;
        if (left < 0 || clock.now() >= deadline) throw new OverBudget();
      });
      return { ok: true, found };
    } catch (error) {
      if (error instanceof PathFailure) return { ok: false, problem: error.message };
      if (!(error instanceof OverBudget)) return notEvaluated("path");
      if (left < 0) costly.add(path);
      return undefined;
    }
  }

  return {
    search(pattern, task, texts) {
      return (
        searchHere(pattern, texts, (mayGoOn) => search(pattern.finder, task, texts, mayGoOn)) ??
        worker.run({ kind: "search", pattern: pattern.used, task, texts })
      );
    },
    locate(pattern, most, texts) {
      return (
        searchHere(pattern, texts, (mayGoOn) => locate(pattern.finder, texts, most, mayGoOn)) ??
        worker.run({ kind: "locate", pattern: pattern.used, most, texts })
      );
    },
    find(path, most, json) {
      const here = costly.has(path) ? undefined : findHere(path, most, json);
      if (here !== undefined) return here;
      // Numbers are printed as written; the thread reads them as plain ones.
      const text = JSON.stringify(json);
      if (isTooLarge(text)) return { ok: false, problem: "the path is too costly for an answer larger than 1 MB" };
      return worker.run({ kind: "path", path: path.written, most, json: text });
    },
    close: () => worker.close(),
  };
}

/** Whether a text is longer than what may be searched as a whole. */
export function isTooLarge(text: string): boolean {
  return text.length > MAX_TEXT_BYTES || Buffer.byteLength(text) > MAX_TEXT_BYTES;
}
