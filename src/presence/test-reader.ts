import { type PresenceDocument, parseDocument } from "../acceptance/document.ts";
import type { Clock } from "../lib/clock.ts";
import { Secret } from "../lib/secret.ts";
import { connectionSource } from "../ringcentral/connection-source.ts";
import { type Question, questionOf } from "../ringcentral/question.ts";
import type { UpstreamFailure } from "../upstream/failure.ts";
import type { HttpClient, HttpRequest, HttpResult, SendOptions } from "../upstream/http-client.ts";
import type { RateLimit } from "../upstream/rate-limit.ts";
import { transportError } from "../upstream/transport-error.ts";

/** Where the time of every answer went. */
export const TIMINGS = { budgetMs: 0, connectMs: 1, firstByteMs: 2, bodyMs: 3 };

const STATUSES: Record<UpstreamFailure["reason"], number> = {
  UPSTREAM_UNAUTHENTICATED: 401,
  UPSTREAM_PERMISSION_DENIED: 403,
  UPSTREAM_NOT_FOUND: 404,
  UPSTREAM_RATE_LIMITED: 429,
  UPSTREAM_TIMEOUT: 0,
  UPSTREAM_UNAVAILABLE: 503,
  UPSTREAM_BAD_RESPONSE: 200,
};

/** One request as a test sees it; what it does with it is what RingCentral did. */
export class TestRead {
  readonly request: HttpRequest;
  readonly options: SendOptions;
  readonly result: Promise<HttpResult>;
  sentAt = 0;
  readonly #clock: Clock;
  readonly #resolve: (result: HttpResult) => void;

  constructor(request: HttpRequest, options: SendOptions, clock: Clock) {
    this.request = request;
    this.options = options;
    this.#clock = clock;
    const { promise, resolve } = Promise.withResolvers<HttpResult>();
    this.result = promise;
    this.#resolve = resolve;
    options.timeUp.addEventListener("abort", () => resolve({ kind: "timeout", attempts: 1 }));
  }

  /** The queue that is asked about. */
  get queueId(): string {
    return /call-queues\/(\d+)\//.exec(this.request.url)?.[1] ?? "";
  }

  /** The request is written; again for a retry. */
  send(): void {
    this.sentAt = this.#clock.now();
    this.options.onSent?.(this.sentAt);
  }

  answer(document: PresenceDocument, limit?: RateLimit): void {
    this.#respond(200, document.raw, headersOf(limit));
  }

  /** Fails as RingCentral would for this reason; `body` is what it says. */
  fail(
    reason: UpstreamFailure["reason"],
    more: { limit?: RateLimit; retryAfterMs?: number; body?: string } = {},
  ): void {
    const { limit, retryAfterMs, body = reason === "UPSTREAM_BAD_RESPONSE" ? "nonsense" : "" } = more;
    if (reason === "UPSTREAM_TIMEOUT") {
      this.#resolve({ kind: "timeout", attempts: 1 });
      return;
    }
    const retryAfter = retryAfterMs === undefined ? {} : { "retry-after": String(retryAfterMs / 1000) };
    this.#respond(STATUSES[reason], body, { ...headersOf(limit), ...retryAfter });
  }

  /** The connection was reset. */
  reset(): void {
    this.#resolve({ kind: "failed", error: transportError("reset"), attempts: 1 });
  }

  #respond(status: number, bodyText: string, headers: Record<string, string>): void {
    const { sentAt } = this;
    const { budgetMs: _, ...timings } = TIMINGS;
    this.#resolve({ kind: "response", status, headers, bodyText, sentAt, timings, attempts: 1 });
  }
}

/** TestReader is RingCentral over HTTP, its answers given by hand; like the real client it ends what runs out of time. */
export class TestReader implements Pick<HttpClient, "send"> {
  /** Every request so far, oldest first. */
  readonly reads: TestRead[] = [];
  /** Whether requests are written at once, or by the test's send(). */
  sends = true;
  /** Answers every request at once, where it is set. */
  always: ((read: TestRead) => void) | undefined;
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  send(request: HttpRequest, options: SendOptions): Promise<HttpResult> {
    const read = new TestRead(request, options, this.#clock);
    this.reads.push(read);
    if (this.sends) read.send();
    this.always?.(read);
    return read.result;
  }

  get count(): number {
    return this.reads.length;
  }

  /** The newest request. */
  get last(): TestRead {
    return this.reads.at(-1)!;
  }

  /** When each request was sent, in milliseconds after `start`. */
  sentAfter(start: number): number[] {
    return this.reads.map(({ sentAt }) => sentAt - start);
  }
}

/** The answer about a queue with `accepting` agents who accept its calls, and `others` who do not. */
export function agents(accepting: number, others = 0): PresenceDocument {
  const records = Array.from({ length: accepting + others }, (_, index) => ({
    member: { id: String(1000 + index), extensionNumber: String(100 + index) },
    acceptQueueCalls: true,
    acceptCurrentQueueCalls: index < accepting,
  }));
  return documentOf({ records });
}

/** The answer about a queue with one agent of whom nothing is known. */
export function unknownAgent(): PresenceDocument {
  return documentOf({ records: [{ member: { extensionNumber: "100" } }] });
}

function documentOf(json: object): PresenceDocument {
  const parsed = parseDocument(JSON.stringify(json));
  if (!parsed.ok) throw new Error(parsed.problem);
  return parsed.document;
}

function headersOf(limit: RateLimit | undefined): Record<string, string> {
  if (!limit) return {};
  return {
    "x-rate-limit-group": limit.group,
    "x-rate-limit-limit": String(limit.limit),
    "x-rate-limit-remaining": String(limit.left),
    "x-rate-limit-window": String(limit.windowSeconds),
  };
}

export function light(limit: number, left: number, windowSeconds = 60): RateLimit {
  return { group: "light", limit, left, windowSeconds };
}

/** What a destination with this queue and token asks. */
export function question(queueId = "1", token = "t0ken"): Question {
  const origin = "https://platform.ringcentral.com";
  const queue = { origin, accountId: "~", queueId, onlyExtensions: [] };
  const access = { kind: "bearer_token", token: new Secret(token) } as const;
  return questionOf(queue, "QUEUE", connectionSource(new Uint8Array(32), origin, access));
}
