export type How = "done" | "failed" | "left";

/** What a guard does around an answer stream. */
export interface StreamGuard {
  /** Runs one step of the handler; for what must be in force while it runs. */
  step?<R>(run: () => R): R;
  /** What the stream fails with instead. */
  failed?(error: unknown): unknown;
  /** Called when the handler ends the stream well; may throw to make it fail. */
  finished?(): void;
  /** Called once, however the stream ends: done, failed (with what), or left by its reader. */
  ended?(how: How, error?: unknown): void;
  /** Calls `tell` once, when the stream is to end although neither handler nor reader has ended it. */
  whenEnding?(tell: () => void): void;
}

/** Follows an answer stream to its end, whichever end that is, without adding a turn of its own to each message. */
export function guardStream<T>(source: AsyncIterable<T>, guard: StreamGuard): AsyncIterable<T> {
  return new GuardedStream(source, guard);
}

/** A stream without its guards, and these, outermost first: for a writer that drives the stream itself. */
export function unguarded(stream: AsyncIterable<unknown>): {
  source: AsyncIterable<unknown>;
  guards: readonly StreamGuard[];
} {
  const guards: StreamGuard[] = [];
  let source = stream;
  for (; source instanceof GuardedStream; source = source.source) guards.push(source.guard);
  return { source, guards };
}

/** Ends a stream that was driven by its writer as one that was iterated would have ended; what it fails with, if it does. */
export function endGuarded(
  guards: readonly StreamGuard[],
  how: How,
  error?: unknown,
): { readonly error: unknown } | undefined {
  let failure = how === "failed" ? { error } : undefined;
  for (const guard of guards.toReversed()) failure = endOne(guard, failure ? "failed" : how, failure?.error);
  return failure;
}

function endOne(guard: StreamGuard, how: How, error: unknown): { readonly error: unknown } | undefined {
  if (how === "done") {
    try {
      guard.finished?.();
    } catch (refusal) {
      return endOne(guard, "failed", refusal);
    }
  }
  const instead = how === "failed" && guard.failed ? guard.failed(error) : error;
  guard.ended?.(how, instead);
  return how === "failed" ? { error: instead } : undefined;
}

class GuardedStream<T> implements AsyncIterable<T> {
  readonly source: AsyncIterable<T>;
  readonly guard: StreamGuard;

  constructor(source: AsyncIterable<T>, guard: StreamGuard) {
    this.source = source;
    this.guard = guard;
  }

  [Symbol.asyncIterator](): AsyncIterator<T> {
    return guarded(this.source[Symbol.asyncIterator](), this.guard);
  }
}

function guarded<T>(from: AsyncIterator<T>, guard: StreamGuard): AsyncIterator<T> {
  const step = guard.step?.bind(guard) ?? (<R>(run: () => R) => run());
  let open = true;
  const end = (how: How, error?: unknown) => {
    if (!open) return undefined;
    open = false;
    return endOne(guard, how, error);
  };
  const came = (result: IteratorResult<T>) => {
    const failure = result.done ? end("done") : undefined;
    if (failure) throw failure.error;
    return result;
  };
  const broke = (error: unknown): never => {
    const failure = end("failed", error) ?? { error: guard.failed ? guard.failed(error) : error };
    throw failure.error;
  };
  return {
    next: () => step(() => from.next()).then(came, broke),
    async return(value?: unknown) {
      end("left");
      return (await step(() => from.return?.(value))) ?? { done: true, value };
    },
    async throw(error: unknown) {
      end("left");
      if (!from.throw) throw error;
      return step(() => from.throw?.(error) as Promise<IteratorResult<T>>);
    },
  };
}
