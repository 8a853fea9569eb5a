import type { HandlerContext, ServiceImpl } from "@connectrpc/connect";
import type {
  AvailabilityService,
  CheckRequest,
  CheckStreamRequest,
  CheckStreamResponse,
} from "../../../gen/availability/v1/availability_service_pb.ts";
import type { Caller, Check, CheckQuery } from "../../availability/check.ts";
import { type Clock, systemClock } from "../../lib/clock.ts";
import { ServiceError } from "../../lib/errors.ts";
import { type StreamAnswer, streamBytes, streamResponse } from "../convert-check-stream.ts";
import type { Requests } from "../requests.ts";
import { validateStreamItem } from "../validate-stream.ts";
import { AnswersAsKnown } from "./answers-as-known.ts";
import { queryOf } from "./check-item.ts";

interface Deps {
  check: Check;
  clock?: Clock;
  /** How many checks of one stream may wait for their answers. */
  mostUnanswered?: number;
}

const MOST_UNANSWERED = 1024;
// A server that drains cuts its calls after ten seconds: by then everything has been answered and sent.
const DRAIN_WAIT_MS = 5000;

export function checkStreamHandlers(deps: Deps): Pick<ServiceImpl<typeof AvailabilityService>, "checkStream"> {
  return { checkStream: (requests, context) => answersTo(requests, context, deps) };
}

/**
 * One stream of checks, each judged alone. When the caller leaves, every waiting check is detached; when the server ends
 * the stream, what was read is answered first: within a short while as it would have been, then from memory.
 */
function answersTo(
  requests: Requests<CheckStreamRequest>,
  context: Pick<HandlerContext, "signal" | "timeoutMs">,
  { check, clock = systemClock, mostUnanswered = MOST_UNANSWERED }: Deps,
): AsyncIterable<CheckStreamResponse> {
  const unanswered = new Map<string, CheckQuery>();
  const detached = new AbortController();
  const caller: Caller = { timeoutMs: () => context.timeoutMs(), signal: detached.signal };
  let cancelDrain = () => {};
  const answers = new AnswersAsKnown(requests, {
    ask,
    pending: () => unanswered.size,
    message: streamResponse,
    bytes: streamBytes,
    close() {
      cancelDrain();
      context.signal.removeEventListener("abort", onEnd);
      unanswered.clear();
      detached.abort();
    },
  });
  if (context.signal.aborted) onEnd();
  else context.signal.addEventListener("abort", onEnd, { once: true });
  return answers;

  function ask(request: CheckStreamRequest): StreamAnswer | undefined {
    const { requestId } = request;
    try {
      const item = validateStreamItem(request, unanswered.has(requestId));
      if (unanswered.size >= mostUnanswered) throw tooMany(item, mostUnanswered);
      return start(requestId, queryOf(item));
    } catch (error) {
      return { requestId, error };
    }
  }

  /** The answer from memory; else the check waits for its answer from here on. */
  function start(requestId: string, query: CheckQuery): StreamAnswer | undefined {
    const answer = check(query, caller);
    if (!(answer instanceof Promise)) return { requestId, answer };
    const settle = (late: StreamAnswer) => {
      // Detached, or answered otherwise in the meantime; the same id may then name another check.
      if (unanswered.get(requestId) !== query) return;
      unanswered.delete(requestId);
      answers.give(late);
    };
    unanswered.set(requestId, query);
    answer.then(
      (late) => settle({ requestId, answer: late }),
      (error) => settle({ requestId, error }),
    );
    return undefined;
  }

  function onEnd(): void {
    if (isServersWish(context.signal.reason)) cancelDrain = clock.after(DRAIN_WAIT_MS, answerFromMemory);
    else answers.leave();
  }

  function answerFromMemory(): void {
    for (const [requestId, query] of [...unanswered]) {
      const known = tryStart(requestId, { ...query, maxWaitMs: 0 });
      if (!known) continue;
      unanswered.delete(requestId);
      answers.give(known);
    }
  }

  function tryStart(requestId: string, query: CheckQuery): StreamAnswer | undefined {
    try {
      return start(requestId, query);
    } catch (error) {
      return { requestId, error };
    }
  }
}

function tooMany({ destinationId }: CheckRequest, most: number): ServiceError {
  return new ServiceError(
    "RESOURCE_EXHAUSTED",
    `Cannot check destination "${destinationId}": ${most} checks of this stream wait for their answers`,
  );
}

/** Draining, or the maximum age: the guards abort a stream with their own error then. */
function isServersWish(reason: unknown): boolean {
  return reason instanceof ServiceError && reason.code === "UNAVAILABLE";
}
