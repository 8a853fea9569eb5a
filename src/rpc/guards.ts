import type { DescMessage, DescMethod, MessageShape } from "@bufbuild/protobuf";
import type { ConnectError, Interceptor } from "@connectrpc/connect";
import { type Clock, systemClock } from "../lib/clock.ts";
import { toConnectError } from "./errors.ts";
import { asInterceptor, type Req, settle, withParts } from "./guard.ts";
import { availabilityGuard } from "./guard-availability.ts";
import type { Lifecycle } from "./guard-lifecycle.ts";
import { guardStream, type StreamGuard } from "./guard-stream.ts";
import { traceGuard } from "./guard-trace.ts";

/** Throws a ServiceError for a request message that breaks the rules of its method. */
export type Validate = (message: MessageShape<DescMessage>, method: DescMethod) => void;

const MAX_STREAM_AGE_MS = 20 * 60_000;

/** What stands around every handler on both listeners, outermost first. */
export function createGuards(deps: {
  validate: Validate;
  lifecycle: Lifecycle;
  clock?: Clock;
  /** After about this long a stream ends with UNAVAILABLE, so that clients spread over replicas again. */
  maxStreamAgeMs?: number;
}): Interceptor[] {
  const { validate, lifecycle, clock = systemClock, maxStreamAgeMs = MAX_STREAM_AGE_MS } = deps;
  return [traceGuard(), errorGuard, availabilityGuard({ lifecycle, clock, maxStreamAgeMs }), validationGuard(validate)];
}

/** Turns whatever a handler or an inner guard throws into the status that the caller gets. */
const errorGuard = asInterceptor((next) => (req) => {
  const errors = new Errors(req);
  return settle(
    () => next(req),
    (res) => (res.stream ? withParts(res, { message: guardStream(res.message, errors) }) : res),
    (error) => {
      throw errors.failed(error);
    },
  );
});

class Errors implements StreamGuard {
  readonly #req: Req;

  constructor(req: Req) {
    this.#req = req;
  }

  failed(error: unknown): ConnectError {
    return toConnectError(error, this.#req.signal);
  }
}

/** Validates the one request of a call. Streams of requests are not its matter: there each item is answered alone. */
function validationGuard(validate: Validate): Interceptor {
  return asInterceptor((next) => (req) => {
    if (!req.stream) validate(req.message, req.method);
    else if (req.method.methodKind === "server_streaming") {
      return next(withParts(req, { message: validated(req.message, req.method, validate) }));
    }
    return next(req);
  });
}

async function* validated<T extends MessageShape<DescMessage>>(
  messages: AsyncIterable<T>,
  method: DescMethod,
  validate: Validate,
): AsyncIterable<T> {
  for await (const message of messages) {
    validate(message, method);
    yield message;
  }
}
