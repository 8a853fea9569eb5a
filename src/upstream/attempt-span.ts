import { isSpanContextValid, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import type { UpstreamReason } from "../lib/reasons.ts";
import { upstreamAttempted } from "../telemetry/events.ts";
import type { AttemptLinks } from "./attempt-links.ts";
import { concealedPath } from "./conceal.ts";
import type { Answer, Attempt } from "./exchange.ts";
import { readRateLimit } from "./rate-limit.ts";
import { meaningOf } from "./transport-error.ts";

const tracer = trace.getTracer("availability.upstream");

/** What is told of an attempt besides what it came to. */
export interface AttemptStory {
  readonly method: "GET" | "POST";
  readonly url: URL;
  /** What must not be told of the path. */
  readonly secrets: readonly string[];
  /** The path with its ids left out, where it is known. */
  readonly route: string | undefined;
  /** 1 for the first request, counting retries and redirects. */
  readonly number: number;
  readonly links: AttemptLinks;
  /** Unix milliseconds. */
  readonly at: number;
}

/** What became of an attempt, as it is counted. */
export type AttemptOutcome = UpstreamReason | "OK" | "RETRIED" | "REDIRECTED" | "ABANDONED";

/** One attempt, as it is kept for whoever looks after a destination. */
export interface UpstreamCall {
  /** Unix milliseconds at which it began. */
  readonly at: number;
  readonly method: "GET" | "POST";
  /** Without query. */
  readonly path: string;
  /** 0 = no answer came. */
  readonly status: number;
  readonly tookMs: number;
  /** What it failed for; undefined when it did not. */
  readonly reason: UpstreamReason | undefined;
  readonly rcRequestId: string | undefined;
  /** Of the attempt's span; empty when it has none. */
  readonly traceId: string;
  /** 1 for the first request, counting retries and redirects. */
  readonly attempt: number;
}

/** Ends an attempt: `meaning` is what it would count as if nothing more were tried after it. */
type EndAttempt = (attempt: Attempt, outcome: AttemptOutcome, meaning: AttemptOutcome, tookMs: number) => UpstreamCall;

/**
 * Starts the client span of one attempt; the returned function ends it and counts the attempt. The span is a root that
 * links to the RPCs, because one read serves many of them and outlives any. Nothing of it is sent to the server.
 */
export function startAttempt(story: AttemptStory): EndAttempt {
  const { method, url, links } = story;
  const path = concealedPath(url.pathname, story.secrets);
  const port = Number(url.port) || (/^(?:https|wss):$/.test(url.protocol) ? 443 : 80);
  const span = tracer.startSpan(story.route ? `${method} ${story.route}` : method, {
    kind: SpanKind.CLIENT,
    root: true,
    links: links.contexts.map((context) => ({ context })),
    attributes: {
      "http.request.method": method,
      "url.scheme": url.protocol.slice(0, -1),
      "url.path": path,
      ...(story.route && { "url.template": story.route }),
      "server.address": url.hostname,
      "server.port": port,
      ...(story.number > 1 && { "http.request.resend_count": story.number - 1 }),
    },
  });
  links.follow(span);
  return (attempt, outcome, meaning, tookMs) => {
    links.follow(undefined);
    const answer = attempt.kind === "response" ? attempt : undefined;
    const rcRequestId = answer && requestIdOf(answer.headers);
    const limit = answer && readRateLimit(answer.headers);
    const error = errorType(attempt);
    if (answer) span.setAttribute("http.response.status_code", answer.status);
    if (rcRequestId) span.setAttribute("ringcentral.request_id", rcRequestId);
    if (limit)
      span.setAttributes({
        "ringcentral.rate_limit.remaining": limit.left,
        "ringcentral.rate_limit.group": limit.group,
      });
    if (error) span.setAttribute("error.type", error).setStatus({ code: SpanStatusCode.ERROR });
    span.end();
    upstreamAttempted({
      origin: url.origin,
      method,
      path,
      attempt: story.number,
      status: answer?.status,
      outcome,
      tookMs,
      rcRequestId,
      limitLeft: limit?.left,
      group: limit?.group,
    });
    return {
      at: story.at,
      method,
      path,
      status: answer?.status ?? 0,
      tookMs,
      reason: isReason(meaning) ? meaning : undefined,
      rcRequestId,
      traceId: isSpanContextValid(span.spanContext()) ? span.spanContext().traceId : "",
      attempt: story.number,
    };
  };
}

function isReason(outcome: AttemptOutcome): outcome is UpstreamReason {
  return outcome.startsWith("UPSTREAM_");
}

/** What an attempt is counted as when nothing more is tried after it. */
export function lastOutcome(attempt: Attempt, judge: (answer: Answer) => AttemptOutcome): AttemptOutcome {
  switch (attempt.kind) {
    case "response":
      return judge(attempt);
    case "failed":
      return meaningOf(attempt.error.kind).reason;
    case "timeout":
      return "UPSTREAM_TIMEOUT";
    case "stopped":
      return "ABANDONED";
  }
}

/** RingCentral's id of a request, which its support asks for. */
export function requestIdOf(headers: Readonly<Record<string, string>>): string | undefined {
  const id = headers.rcrequestid;
  return id && /^[\x21-\x7e]{1,100}$/.test(id) ? id : undefined;
}

function errorType(attempt: Attempt): string | undefined {
  if (attempt.kind === "response") return attempt.status >= 400 ? `${attempt.status}` : undefined;
  return attempt.kind === "failed" ? attempt.error.kind : attempt.kind;
}
