import { type PresenceDocument, parseDocument } from "../acceptance/document.ts";
import type { Clock } from "../lib/clock.ts";
import { QUEUE_PRESENCE_ROUTE, queuePresenceRequest } from "../templates/ringcentral.ts";
import { requestIdOf } from "../upstream/attempt-span.ts";
import type { UpstreamFailure } from "../upstream/failure.ts";
import type { HttpClient, HttpRequest, HttpResult, SendOptions } from "../upstream/http-client.ts";
import { type RateLimit, readRateLimit } from "../upstream/rate-limit.ts";
import { meaningOf } from "../upstream/transport-error.ts";
import { failureOf } from "./errors.ts";
import type { Question } from "./question.ts";
import { truncation } from "./truncation.ts";

/** The last answer of a read as it came, for explaining what was made of it. */
export interface Exchange {
  readonly status: number;
  readonly body: string;
  /** Until the request was sent, from then to the head of the answer, from then to its end, in milliseconds. */
  readonly timings: { readonly connectMs: number; readonly firstByteMs: number; readonly bodyMs: number };
}

/** What a read came to. */
export type ReadResult = (
  | {
      readonly ok: true;
      /** Unix milliseconds at which the request that was answered was sent. */
      readonly sentAt: number;
      readonly document: PresenceDocument;
    }
  | { readonly ok: false; readonly failure: UpstreamFailure }
) & {
  readonly limit?: RateLimit | undefined;
  /** Absent when no whole answer came. */
  readonly exchange?: Exchange | undefined;
};

export interface PresenceReader {
  /** Reads the answer to a question from RingCentral. It never rejects: trouble is a result. */
  read(question: Question, options: SendOptions): Promise<ReadResult>;
}

/** The reader of queue presence; it knows nothing of snapshots, budgets and back-offs. */
export function createPresenceReader(deps: {
  http: Pick<HttpClient, "send">;
  clock: Pick<Clock, "now">;
}): PresenceReader {
  return {
    async read(question, options) {
      const token = question.access.token.reveal();
      // One failure may answer for every queue of a connection, so its sentence names none.
      const context = { action: "read queue presence", hide: token };
      const { url, headers } = queuePresenceRequest(question.queue);
      const request: HttpRequest = {
        method: "GET",
        url,
        headers: headers.map(([name, value]) => [name, name === "Authorization" ? `Bearer ${token}` : value]),
        secrets: [token],
        route: QUEUE_PRESENCE_ROUTE,
        judge: (answer) => (answer.status === 200 ? "OK" : failureOf(answer, { ...context, now: 0 }).reason),
      };
      const came = await deps.http.send(request, options);
      if (came.kind !== "response") return { ok: false, failure: withoutAnswer(came, context.action) };
      const limit = readRateLimit(came.headers);
      const exchange = { status: came.status, body: came.bodyText, timings: came.timings };
      if (came.status !== 200) {
        return { ok: false, failure: failureOf(came, { ...context, now: deps.clock.now() }), limit, exchange };
      }
      const parsed = parseDocument(came.bodyText);
      const cut = parsed.ok ? truncation(parsed.document) : undefined;
      if (parsed.ok && !cut) return { ok: true, sentAt: came.sentAt, document: parsed.document, limit, exchange };
      const message = parsed.ok ? `Cannot ${context.action}: ${cut}` : parsed.problem;
      const rcRequestId = requestIdOf(came.headers);
      const failure = {
        reason: "UPSTREAM_BAD_RESPONSE",
        scope: "question",
        message,
        status: 200,
        rcRequestId,
      } as const;
      return { ok: false, failure, limit, exchange };
    },
  };
}

function withoutAnswer(came: Exclude<HttpResult, { kind: "response" }>, action: string): UpstreamFailure {
  switch (came.kind) {
    case "failed":
      return { ...meaningOf(came.error.kind), message: `Cannot ${action}: ${came.error.state}` };
    case "timeout":
      return {
        reason: "UPSTREAM_TIMEOUT",
        scope: "question",
        message: `Cannot ${action}: no whole answer came in time`,
      };
    case "stopped":
      return {
        reason: "UPSTREAM_UNAVAILABLE",
        scope: "question",
        message: `Cannot ${action}: the service is stopping`,
      };
  }
}
