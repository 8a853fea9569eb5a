import type { Clock } from "../lib/clock.ts";
import type { CompiledPattern } from "./regex.ts";
import { type SearchTask, search } from "./search.ts";
import { NOT_EVALUATED, PatternWorker, type SearchOutcome } from "./worker-client.ts";

/** Work (characters searched times program size) up to which a search runs on the main thread: about 25 ms at the worst. */
export const MAIN_THREAD_WORK = 2_000_000;
/** How long one evaluation may search on the main thread, in all; looked at before each find. */
export const MAIN_THREAD_MS = 25;

/** Gate decides on which thread a search runs, so that no pattern holds other callers up. */
export interface Gate {
  /** At once when the main thread did it, else a promise; neither throws. */
  search(pattern: CompiledPattern, task: SearchTask, texts: readonly string[]): SearchOutcome | Promise<SearchOutcome>;
  close(): Promise<void>;
}

export function createGate(deps: {
  readonly clock: Clock;
  readonly overran: (e: { pattern: string; limitMs: number }) => void;
}): Gate {
  const worker = new PatternWorker(deps);
  const { clock } = deps;
  return {
    search({ re, used, programSize }, task, texts) {
      let chars = 0;
      for (const text of texts) chars += text.length;
      if (chars * programSize <= MAIN_THREAD_WORK) {
        const deadline = clock.now() + MAIN_THREAD_MS;
        try {
          const found = search(re, task, texts, () => clock.now() < deadline);
          if (found !== undefined) return { ok: true, found };
        } catch {
          return NOT_EVALUATED;
        }
        // Many finds, or the process was held up: the worker starts again, so that a pause never changes a verdict.
      }
      return worker.search({ pattern: used, task, texts });
    },
    close: () => worker.close(),
  };
}
