import { Code, ConnectError, type Interceptor, type StreamRequest } from "@connectrpc/connect";
import type { Clock } from "../lib/clock.ts";
import { ServiceError } from "../lib/errors.ts";
import { toConnectError } from "./errors.ts";
import { asInterceptor, withParts } from "./guard.ts";
import { type Lifecycle, RETRY_DELAY_MS, unavailable } from "./guard-lifecycle.ts";
import { guardStream, type StreamGuard } from "./guard-stream.ts";
import { until } from "./requests.ts";

interface Deps {
  lifecycle: Lifecycle;
  clock: Clock;
  maxStreamAgeMs: number;
}

/**
 * Refuses calls while the server starts or closes, and ends streams, never calls in flight, when it drains or when they
 * are too old: the handler's signal is aborted with the error, the requests end as if the client had closed them, and
 * however the handler then ends, the client sees UNAVAILABLE.
 */
export function availabilityGuard(deps: Deps): Interceptor {
  const { lifecycle } = deps;
  return asInterceptor((next) => (req) => {
    if (lifecycle.phase === "starting" || lifecycle.phase === "closing") {
      throw unavailable(lifecycle.phase === "closing" ? "draining" : "starting");
    }
    return req.stream ? stream(req) : next(req);

    async function stream(req: StreamRequest) {
      const life = new StreamLife(req, deps);
      try {
        const takesMany = req.method.methodKind !== "server_streaming";
        const message = takesMany ? until(life.signal, req.message) : req.message;
        const res = await next(withParts(req, { message, signal: () => life.signal }));
        return res.stream ? withParts(res, { message: guardStream(res.message, life) }) : res;
      } catch (error) {
        life.ended();
        throw error;
      }
    }
  });
}

const over = new ConnectError("the stream has ended", Code.Canceled);
// Streams of the same second share a timer list; thousands of lists would outweigh the streams.
const AGE_STEP_MS = 1000;

/** StreamLife is how long one stream may last: until its caller leaves, or this server wants to end it. */
class StreamLife implements StreamGuard {
  readonly #req: StreamRequest;
  readonly #cancelAge: () => void;
  readonly #unfollow: () => void;
  #ending: ServiceError | undefined;
  #tell: (() => void) | undefined;
  /** Made when a handler asks for it: it outweighs everything else here. */
  #control: AbortController | undefined;

  constructor(req: StreamRequest, { lifecycle, clock, maxStreamAgeMs }: Deps) {
    this.#req = req;
    // Not all at once: streams opened together must not come back together.
    const age = maxStreamAgeMs * (0.9 + 0.1 * Math.random());
    const steps = Math.ceil(age / AGE_STEP_MS) * AGE_STEP_MS;
    this.#cancelAge = clock.after(Math.min(steps, maxStreamAgeMs), () => this.#end(tooOld()));
    this.#unfollow = lifecycle.follow((phase) => phase === "closing" && this.#end(unavailable("draining")));
  }

  /** The caller's, or this server's wish to end the stream. */
  get signal(): AbortSignal {
    if (!this.#control) {
      this.#control = new AbortController();
      const { signal } = this.#req;
      if (this.#ending) this.#control.abort(this.#ending);
      else if (signal.aborted) this.#onCaller();
      else signal.addEventListener("abort", this.#onCaller, { once: true });
    }
    return this.#control.signal;
  }

  whenEnding(tell: () => void): void {
    if (this.#ending) tell();
    else this.#tell = tell;
  }

  /** The handler ended well; throws when that is not how the stream ends. */
  finished(): void {
    if (this.#ending) throw this.#ending;
    this.#req.signal.throwIfAborted();
  }

  /** What the handler failed with, as what it was stopped for. */
  failed(error: unknown): unknown {
    return this.#control?.signal.aborted ? toConnectError(error, this.#control.signal) : error;
  }

  // Also aborts, as Connect does: what still waits for this stream's sake must not wait for ever.
  ended(): void {
    this.#cancelAge();
    this.#unfollow();
    this.#tell = undefined;
    if (!this.#control) return;
    this.#control.abort(over);
    this.#req.signal.removeEventListener("abort", this.#onCaller);
  }

  readonly #onCaller = () => this.#control?.abort(this.#req.signal.reason);

  #end(error: ServiceError): void {
    if (this.#ending) return;
    this.#ending = error;
    this.#control?.abort(error);
    this.#tell?.();
  }
}

function tooOld(): ServiceError {
  return new ServiceError("UNAVAILABLE", "Cannot go on with the stream: it has reached the maximum age", {
    retryDelayMs: RETRY_DELAY_MS,
  });
}
