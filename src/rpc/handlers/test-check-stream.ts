import { create, type MessageInitShape } from "@bufbuild/protobuf";
import {
  type CheckStreamRequest,
  CheckStreamRequestSchema,
  type CheckStreamResponse,
} from "../../../gen/availability/v1/availability_service_pb.ts";
import type { Answer } from "../../availability/answer.ts";
import type { Caller, Check, CheckQuery } from "../../availability/check.ts";
import { ServiceError } from "../../lib/errors.ts";

/** A Check that waits until the test answers it. */
export interface HeldCheck {
  readonly query: CheckQuery;
  readonly caller: Caller;
  answer(): void;
  fail(error: unknown): void;
}

/**
 * A Check whose answers the test gives: ids that begin with "hot" are answered at once, "missing" does not exist, every
 * other waits to be answered by hand; with a `max_wait` of 0 all are answered at once.
 */
export function heldChecks() {
  const held: HeldCheck[] = [];
  const queries: CheckQuery[] = [];
  let most = 0;
  const check: Check = (query, caller) => {
    queries.push(query);
    const { destinationId } = query;
    if (destinationId.startsWith("missing")) throw new ServiceError("NOT_FOUND", "Cannot check: it does not exist");
    if (destinationId.startsWith("hot")) return answerOf(destinationId);
    if (query.maxWaitMs === 0) return { ...answerOf(destinationId), reason: "NOT_IN_TIME", version: 0n };
    return new Promise((resolve, reject) => {
      const leave = () => {
        held.splice(held.indexOf(one), 1);
        caller.signal.removeEventListener("abort", left);
      };
      const left = () => one.fail(new ServiceError("CANCELLED", "Cannot answer the check: the caller left"));
      const one: HeldCheck = {
        query,
        caller,
        answer() {
          leave();
          resolve(answerOf(destinationId));
        },
        fail(error) {
          leave();
          reject(error);
        },
      };
      held.push(one);
      most = Math.max(most, held.length);
      caller.signal.addEventListener("abort", left);
    });
  };
  return {
    check,
    /** Those that wait, oldest first. */
    held,
    /** All that were ever asked. */
    queries,
    /** How many waited at the same time at most. */
    get most() {
      return most;
    },
  };
}

const answers = new Map<string, Answer>();

function answerOf(destinationId: string): Answer {
  const answer: Answer = answers.get(destinationId) ?? {
    destinationId,
    accepted: true,
    verdict: "ACCEPTED",
    reason: "CRITERIA_MET",
    message: destinationId.endsWith("long") ? "long".repeat(500) : "1 record matches, needs more than 0",
    measured: 1,
    agents: undefined,
    availableAgents: undefined,
    observedAt: 1,
    validUntil: 2,
    source: "CACHE",
    destinationRevision: 1n,
    version: 7n,
    retryAt: undefined,
  };
  answers.set(destinationId, answer);
  return answer;
}

export function item(requestId: string, destinationId: string): CheckStreamRequest {
  return create(CheckStreamRequestSchema, { requestId, check: { destinationId } });
}

export function bareItem(init: MessageInitShape<typeof CheckStreamRequestSchema>): CheckStreamRequest {
  return create(CheckStreamRequestSchema, init);
}

/** An answer as a test compares it: the id, and what was said of which field or destination. */
export function brief({ requestId, outcome }: CheckStreamResponse): string {
  if (outcome.case === "response") return `${requestId}: ${outcome.value.availability?.destinationId}`;
  const fields = outcome.value?.violations.map(({ field, reason }) => ` ${field} ${reason}`) ?? [];
  return `${requestId}: error ${outcome.value?.code}${fields.join()}`;
}

/** Requests that a test sends one by one; nobody has read further than `read`. */
export function requestQueue() {
  const sent: CheckStreamRequest[] = [];
  let end: { error?: unknown } | undefined;
  let waiting: PromiseWithResolvers<IteratorResult<CheckStreamRequest>> | undefined;
  const state = { read: 0, left: false };
  const go = () => {
    if (!waiting || (sent.length === 0 && !end)) return;
    const { resolve, reject } = waiting;
    waiting = undefined;
    const next = sent.shift();
    if (next) {
      state.read++;
      resolve({ done: false, value: next });
    } else if (end && "error" in end) reject(end.error);
    else resolve({ done: true, value: undefined });
  };
  const iterator: AsyncIterator<CheckStreamRequest> = {
    next() {
      waiting = Promise.withResolvers();
      const { promise } = waiting;
      go();
      return promise;
    },
    async return() {
      state.left = true;
      return { done: true, value: undefined };
    },
  };
  return {
    requests: { [Symbol.asyncIterator]: () => iterator },
    state,
    send(...requests: CheckStreamRequest[]) {
      sent.push(...requests);
      go();
    },
    /** The client says that it has no more. */
    halfClose() {
      end ??= {};
      go();
    },
    /** What came was no request. */
    fail(error: unknown) {
      end ??= { error };
      go();
    },
  };
}
