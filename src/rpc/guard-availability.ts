import { Code, ConnectError, type Interceptor } from "@connectrpc/connect";
import type { Clock } from "../lib/clock.ts";
import { ServiceError } from "../lib/errors.ts";
import { toConnectError } from "./errors.ts";
import { type Lifecycle, RETRY_DELAY_MS, unavailable } from "./guard-lifecycle.ts";
import { guardStream } from "./guard-stream.ts";

/**
 * Refuses calls while the server starts or closes, and ends streams, never calls in flight, when it drains or when they
 * are too old: the handler's signal is aborted with the error, the requests end as if the client had closed them, and
 * however the handler then ends, the client sees UNAVAILABLE.
 */
export function availabilityGuard(deps: { lifecycle: Lifecycle; clock: Clock; maxStreamAgeMs: number }): Interceptor {
  const { lifecycle } = deps;
  return (next) => async (req) => {
    if (lifecycle.phase === "starting" || lifecycle.phase === "closing") {
      throw unavailable(lifecycle.phase === "closing" ? "draining" : "starting");
    }
    if (!req.stream) return next(req);
    const life = streamLife(req.signal, deps);
    try {
      const takesMany = req.method.methodKind !== "server_streaming";
      const message = takesMany ? until(life.signal, req.message) : req.message;
      const res = await next({ ...req, signal: life.signal, message });
      if (!res.stream) return res;
      const finished = () => {
        if (life.ending) throw life.ending;
        req.signal.throwIfAborted();
      };
      const failed = (error: unknown) => (life.signal.aborted ? toConnectError(error, life.signal) : error);
      return { ...res, message: guardStream(res.message, { finished, failed, ended: life.close }) };
    } catch (error) {
      life.close();
      throw error;
    }
  };
}

const over = new ConnectError("the stream has ended", Code.Canceled);

/** The signal of one stream: the caller's, or this server's wish to end it. */
function streamLife(caller: AbortSignal, deps: { lifecycle: Lifecycle; clock: Clock; maxStreamAgeMs: number }) {
  const control = new AbortController();
  const life = { signal: control.signal, ending: undefined as ServiceError | undefined, close };
  const wish = (error: ServiceError) => {
    life.ending = error;
    control.abort(error);
  };
  const onCaller = () => control.abort(caller.reason);
  const onDrain = () => wish(deps.lifecycle.streams.reason as ServiceError);
  // Not all at once: streams opened together must not come back together.
  const age = deps.maxStreamAgeMs * (0.9 + 0.1 * Math.random());
  const cancelAge = deps.clock.after(age, () => wish(tooOld()));
  if (caller.aborted) onCaller();
  caller.addEventListener("abort", onCaller, { once: true });
  deps.lifecycle.streams.addEventListener("abort", onDrain, { once: true });
  // Also aborts, as Connect does: what still waits for this stream's sake must not wait for ever.
  function close() {
    control.abort(over);
    cancelAge();
    caller.removeEventListener("abort", onCaller);
    deps.lifecycle.streams.removeEventListener("abort", onDrain);
  }
  return life;
}

function tooOld(): ServiceError {
  return new ServiceError("UNAVAILABLE", "Cannot go on with the stream: it has reached the maximum age", {
    retryDelayMs: RETRY_DELAY_MS,
  });
}

/** The requests, until the signal is aborted: then they end, even while the next one is waited for. */
function until<T>(signal: AbortSignal, requests: AsyncIterable<T>): AsyncIterable<T> {
  const from = requests[Symbol.asyncIterator]();
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
  const next = () =>
    signal.aborted
      ? Promise.resolve(end)
      : new Promise<IteratorResult<T>>((resolve, reject) => {
          waiting = resolve;
          from.next().then(resolve, reject);
        });
  const iterator: AsyncIterator<T> = {
    next,
    async return() {
      leave();
      return end;
    },
  };
  return { [Symbol.asyncIterator]: () => iterator };
}
