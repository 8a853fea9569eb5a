/** What a guard does around an answer stream. */
export interface StreamGuard {
  /** Runs one step of the handler; for what must be in force while it runs. */
  step?<R>(run: () => R): R;
  /** What the stream fails with instead. */
  failed?(error: unknown): unknown;
  /** Called when the handler ends the stream well; may throw to make it fail. */
  finished?(): void;
  /** Called once, however the stream ends: done, failed (with what), or left by its reader. */
  ended?(how: "done" | "failed" | "left", error?: unknown): void;
}

/** Follows an answer stream to its end, whichever end that is, without adding a turn of its own to each message. */
export function guardStream<T>(source: AsyncIterable<T>, guard: StreamGuard): AsyncIterable<T> {
  return { [Symbol.asyncIterator]: () => guarded(source[Symbol.asyncIterator](), guard) };
}

function guarded<T>(from: AsyncIterator<T>, guard: StreamGuard): AsyncIterator<T> {
  const step = guard.step?.bind(guard) ?? (<R>(run: () => R) => run());
  let open = true;
  const end = (how: "done" | "failed" | "left", error?: unknown) => {
    if (open) guard.ended?.(how, error);
    open = false;
  };
  const came = (result: IteratorResult<T>) => {
    if (!result.done || !open) return result;
    try {
      guard.finished?.();
    } catch (error) {
      return broke(error);
    }
    end("done");
    return result;
  };
  const broke = (error: unknown): never => {
    const instead = guard.failed ? guard.failed(error) : error;
    end("failed", instead);
    throw instead;
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
