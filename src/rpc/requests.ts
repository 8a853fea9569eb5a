/** Who takes the requests of a stream as they come. */
export interface RequestListener<T> {
  came(request: T): void;
  /** No more come: the client has closed its side, or left. */
  ended(): void;
  failed(error: unknown): void;
}

/** Requests that somebody listens to. */
export interface Listening {
  /** Nothing comes until `resume`. */
  pause(): void;
  resume(): void;
  /** Nothing is wanted any more. */
  leave(): void;
}

/** How requests are listened to, instead of iterated: without a promise for each. */
export const listen = Symbol("listen to the requests");

/** The requests of a stream, from a port that can tell them as they come. */
export interface Requests<T> extends AsyncIterable<T> {
  [listen]?(listener: RequestListener<T>): Listening;
}

/** The requests, until the signal is aborted: then they end, even while the next one is waited for. */
export function until<T>(signal: AbortSignal, requests: Requests<T>): Requests<T> {
  const iterate = () => iteratedUntil(signal, requests[Symbol.asyncIterator]());
  const from = requests[listen]?.bind(requests);
  if (!from) return { [Symbol.asyncIterator]: iterate };
  return { [Symbol.asyncIterator]: iterate, [listen]: (listener) => listenedUntil(signal, from, listener) };
}

function iteratedUntil<T>(signal: AbortSignal, from: AsyncIterator<T>): AsyncIterator<T> {
  // Not awaited: a return waits for the request under way, which may never come.
  const leave = () => void from.return?.()?.then(undefined, () => {});
  let waiting: ((end: IteratorResult<T>) => void) | undefined;
  const end: IteratorResult<T> = { done: true, value: undefined };
  signal.addEventListener(
    "abort",
    () => {
      waiting?.(end);
      leave();
    },
    { once: true },
  );
  return {
    next: () =>
      signal.aborted
        ? Promise.resolve(end)
        : new Promise<IteratorResult<T>>((resolve, reject) => {
            waiting = resolve;
            from.next().then(resolve, reject);
          }),
    async return() {
      leave();
      return end;
    },
  };
}

function listenedUntil<T>(
  signal: AbortSignal,
  from: (listener: RequestListener<T>) => Listening,
  listener: RequestListener<T>,
): Listening {
  let open = true;
  const listening = from({
    came: (request) => open && listener.came(request),
    ended: () => close(() => listener.ended()),
    failed: (error) => close(() => listener.failed(error)),
  });
  const onAbort = () =>
    close(() => {
      listening.leave();
      listener.ended();
    });
  if (signal.aborted) queueMicrotask(onAbort);
  else signal.addEventListener("abort", onAbort, { once: true });
  return {
    pause: () => listening.pause(),
    resume: () => listening.resume(),
    leave: () => close(() => listening.leave()),
  };

  function close(how: () => void): void {
    if (!open) return;
    open = false;
    signal.removeEventListener("abort", onAbort);
    how();
  }
}
