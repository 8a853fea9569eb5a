import { type PresenceDocument, parseDocument } from "../acceptance/document.ts";
import type { Clock } from "../lib/clock.ts";
import { Secret } from "../lib/secret.ts";
import type { PresenceReader, ReadResult } from "../ringcentral/presence-reader.ts";
import { type Question, questionOf } from "../ringcentral/question.ts";
import type { UpstreamFailure } from "../upstream/failure.ts";
import type { SendOptions } from "../upstream/http-client.ts";
import type { RateLimit } from "../upstream/rate-limit.ts";

/** Where the time of every answer went. */
export const TIMINGS = { connectMs: 1, firstByteMs: 2, bodyMs: 3 };

/** One read as a test sees it; what it does with it is what RingCentral did. */
export class TestRead {
  readonly question: Question;
  readonly options: SendOptions;
  readonly result: Promise<ReadResult>;
  sentAt = 0;
  readonly #clock: Clock;
  readonly #resolve: (result: ReadResult) => void;

  constructor(question: Question, options: SendOptions, clock: Clock) {
    this.question = question;
    this.options = options;
    this.#clock = clock;
    const { promise, resolve } = Promise.withResolvers<ReadResult>();
    this.result = promise;
    this.#resolve = resolve;
    options.timeUp.addEventListener("abort", () => this.fail(failure("UPSTREAM_TIMEOUT")));
  }

  /** The request is written; again for a retry. */
  send(): void {
    this.sentAt = this.#clock.now();
    this.options.onSent?.(this.sentAt);
  }

  answer(document: PresenceDocument, limit?: RateLimit): void {
    const exchange = { status: 200, body: document.raw, timings: TIMINGS };
    this.#resolve({ ok: true, sentAt: this.sentAt, document, limit, exchange });
  }

  /** `came` is the answer behind the failure, if there was one. */
  fail(why: UpstreamFailure, limit?: RateLimit, came?: { status: number; body: string }): void {
    this.#resolve({ ok: false, failure: why, limit, exchange: came && { ...came, timings: TIMINGS } });
  }
}

/** TestReader is a reader whose reads a test answers by hand; like the real one it ends a read whose time is up. */
export class TestReader implements PresenceReader {
  /** Every read so far, oldest first. */
  readonly reads: TestRead[] = [];
  /** Whether requests are written at once, or by the test's send(). */
  sends = true;
  /** Answers every read at once, where it is set. */
  always: ((read: TestRead) => void) | undefined;
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  read(question: Question, options: SendOptions): Promise<ReadResult> {
    const read = new TestRead(question, options, this.#clock);
    this.reads.push(read);
    if (this.sends) read.send();
    this.always?.(read);
    return read.result;
  }

  get count(): number {
    return this.reads.length;
  }

  /** The newest read. */
  get last(): TestRead {
    return this.reads.at(-1)!;
  }

  /** When each read was sent, in milliseconds after `start`. */
  sentAfter(start: number): number[] {
    return this.reads.map(({ sentAt }) => sentAt - start);
  }
}

/** The answer about a queue with `accepting` agents who accept its calls, and `others` who do not. */
export function agents(accepting: number, others = 0): PresenceDocument {
  const records = Array.from({ length: accepting + others }, (_, index) => ({
    member: { extensionNumber: String(100 + index) },
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

const SCOPES: Record<UpstreamFailure["reason"], UpstreamFailure["scope"]> = {
  UPSTREAM_UNAUTHENTICATED: "connection",
  UPSTREAM_PERMISSION_DENIED: "question",
  UPSTREAM_NOT_FOUND: "question",
  UPSTREAM_RATE_LIMITED: "budget",
  UPSTREAM_TIMEOUT: "question",
  UPSTREAM_UNAVAILABLE: "connection",
  UPSTREAM_BAD_RESPONSE: "question",
};

/** A failure of the scope that its reason has by itself. */
export function failure(reason: UpstreamFailure["reason"], more: Partial<UpstreamFailure> = {}): UpstreamFailure {
  return { reason, scope: SCOPES[reason], message: `Cannot read the presence: ${reason}`, ...more };
}

export function light(limit: number, left: number, windowSeconds = 60): RateLimit {
  return { group: "light", limit, left, windowSeconds };
}

/** What a destination with this queue and token asks. */
export function question(queueId = "1", token = "t0ken"): Question {
  const queue = { origin: "https://platform.ringcentral.com", accountId: "~", queueId, onlyExtensions: [] };
  return questionOf(queue, { kind: "bearer_token", token: new Secret(token) }, new Uint8Array(32));
}
