import type { SpanContext } from "@opentelemetry/api";
import type { Secret } from "../../lib/secret.ts";
import type { UpstreamCall } from "../../upstream/attempt-span.ts";
import type { UpstreamFailure } from "../../upstream/failure.ts";
import type { Turn } from "./turn.ts";
import type { UsageGroup } from "./usage-group.ts";

/** ApiCall is one call of RingCentral's API, its token left out. */
export interface ApiCall {
  readonly method: "GET" | "POST";
  /** Path and query. */
  readonly path: string;
  /** The path with its ids left out, for telemetry, for example "/restapi/v1.0/account/{account}/call-queues". */
  readonly route: string;
  readonly group: UsageGroup;
  /** How many calls RingCentral counts it as; 1 unless given. */
  readonly units?: number;
  /** Of the answer; application/json unless given. */
  readonly accept?: string;
  readonly body?: { readonly type: string; readonly text: string };
  /** Begins the sentence of a failure, for example `read queue presence`. */
  readonly action: string;
  /** The statuses of a good answer; 200 alone unless given. */
  readonly expects?: readonly number[];
  /** The body of the answer is a secret: it is given as `secretBody` alone, and no exchange holds it. */
  readonly secretAnswer?: true;
}

/** How long a call may take, in whose name it waits for the budget, and who is told what. */
export interface CallOptions {
  /** Aborted when the time is up. */
  readonly timeUp: AbortSignal;
  /** When that will be as things stand, Unix milliseconds. */
  readonly deadline: () => number;
  /** The call's place among those who wait for the budget; a new one for each call. */
  readonly turn: Turn;
  /** It has its turn. */
  readonly onTurn?: (() => void) | undefined;
  readonly links?: readonly SpanContext[] | undefined;
  readonly onLink?: ((listener: (link: SpanContext) => void) => void) | undefined;
  readonly onSent?: ((sentAt: number) => void) | undefined;
  readonly onAttempt?: ((call: UpstreamCall) => void) | undefined;
  /** Whether a failure may keep everybody from the connection for a while; true unless given. A 429 always does. */
  readonly backsOff?: boolean;
}

/** The last answer of a call as it came, for explaining what was made of it. */
export interface Exchange {
  readonly status: number;
  /** Empty when the body is a secret. */
  readonly body: string;
  /**
   * Waiting for the budget; then until the request was sent, from then to the head of the answer, from then to its end,
   * in milliseconds.
   */
  readonly timings: {
    readonly budgetMs: number;
    readonly connectMs: number;
    readonly firstByteMs: number;
    readonly bodyMs: number;
  };
}

/** What a call came to. */
export type ApiAnswer = ApiSuccess | ApiFailure;

export interface ApiSuccess {
  readonly ok: true;
  readonly status: number;
  /** Empty when the body is a secret. */
  readonly bodyText: string;
  /** The body of an answer that is a secret as a whole; absent from all others. */
  readonly secretBody?: Secret;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** Unix milliseconds at which the request that was answered was sent. */
  readonly sentAt: number;
  readonly exchange: Exchange;
}

export interface ApiFailure {
  readonly ok: false;
  readonly failure: UpstreamFailure;
  /** Until when it makes no sense to try again, Unix milliseconds; the time of the failure when it makes sense at once. */
  readonly until: number;
  /** Absent when no whole answer came. */
  readonly exchange?: Exchange | undefined;
}

/** Calls RingCentral in the name of one connection: token, budget, one retry after a token that is refused. It never rejects. */
export type CallApi = (call: ApiCall, options: CallOptions) => Promise<ApiAnswer>;
