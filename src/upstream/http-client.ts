import type { SpanContext } from "@opentelemetry/api";
import type { Dispatcher } from "undici";
import { type Clock, sleep } from "../lib/clock.ts";
import { USER_AGENT } from "../templates/user-agent.ts";
import { AttemptLinks } from "./attempt-links.ts";
import { type AttemptOutcome, lastOutcome, startAttempt, type UpstreamCall } from "./attempt-span.ts";
import { ACCEPT_ENCODING } from "./body.ts";
import { concealIn } from "./conceal.ts";
import { type Answer, type Attempt, exchange } from "./exchange.ts";
import { type GivenUp, giveUpSignal } from "./give-up.ts";
import { type Hop, nextHop } from "./redirect.ts";
import { type TransportError, transportError } from "./transport-error.ts";

/** A request to send. */
export interface HttpRequest {
  readonly method: "GET" | "POST";
  readonly url: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** `type` is its Content-Type. */
  readonly body?: { readonly type: string; readonly text: string };
  /** Secrets in the headers, the query and the body. Nobody is told of them, also where the server sends them back. */
  readonly secrets: readonly string[];
  /** The body of the answer is a secret as well: it is given as `secretBody` alone. */
  readonly secretAnswer?: boolean;
  /** The path with its ids left out, for telemetry. */
  readonly route: string;
  /** What an answer is counted as. */
  readonly judge: (answer: Answer) => AttemptOutcome;
}

/** How long a request may take, and who is told what. */
export interface SendOptions {
  /** Aborted when the time is up; the caller owns the timer and may move it while the request runs. */
  readonly timeUp: AbortSignal;
  /** Aborted when nobody wants the answer any more. */
  readonly stop?: AbortSignal | undefined;
  /** When `timeUp` will be aborted as things stand, Unix milliseconds: no retry begins without time for it. */
  readonly deadline?: (() => number) | undefined;
  /** Asked before what can be tried once more is; it is not when this says no. */
  readonly mayRetry?: (() => boolean) | undefined;
  /** The RPCs that wait for the answer. */
  readonly links?: readonly SpanContext[] | undefined;
  /** Is given a listener for the RPCs that join later. */
  readonly onLink?: ((listener: (link: SpanContext) => void) => void) | undefined;
  /** Called for every attempt when its request is about to be written, Unix milliseconds. */
  readonly onSent?: ((sentAt: number) => void) | undefined;
  /** Called with every attempt when it has ended. */
  readonly onAttempt?: ((call: UpstreamCall) => void) | undefined;
}

/** What sending a request came to; `attempts` counts the requests that were begun, retries and redirects included. */
export type HttpResult = { readonly attempts: number } & (
  | Answer
  | { readonly kind: "failed"; readonly error: TransportError }
  | { readonly kind: GivenUp }
);

export interface HttpClient {
  /**
   * Sends a request; it never rejects. A GET follows redirects, and is tried once more where that can help. A POST is sent
   * once and never redirected: nobody knows what a second one would do.
   */
  send(request: HttpRequest, options: SendOptions): Promise<HttpResult>;
  /** Ends every request under way, and any sent later ("stopped"). */
  close(): void;
}

const MOST_TRIES = 2;
const LEAST_TIME_FOR_RETRY_MS = 100;
const PAUSE_MS = { least: 50, most: 100 };

/** The one way out of this service to a server over HTTP. */
export function createHttpClient(deps: {
  dispatcher: Pick<Dispatcher, "dispatch">;
  clock: Clock;
  /** From 0 to 1; spreads retries. */
  random?: () => number;
}): HttpClient {
  const { dispatcher, clock, random = Math.random } = deps;
  const closing = new AbortController();

  return {
    async send(request, options) {
      const { method, secrets } = request;
      const body = request.body?.text;
      const links = new AttemptLinks(options.links ?? []);
      options.onLink?.((link) => links.add(link));
      const { signal, release } = giveUpSignal(options.timeUp, [options.stop, closing.signal]);
      const timeLeft = () => (options.deadline?.() ?? Number.POSITIVE_INFINITY) - clock.now();
      const onSent = (sentAt: number) => options.onSent?.(sentAt);
      let hop: Hop = { url: new URL(request.url), headers: headersOf(request), count: 0, repeated: false };
      let tries = 1;
      try {
        for (let attempts = 1; ; attempts++) {
          const startedAt = clock.now();
          const route = hop.count === 0 || hop.repeated ? request.route : undefined;
          const ended = startAttempt({ method, url: hop.url, secrets, route, number: attempts, links, at: startedAt });
          const sending = { method, url: hop.url, headers: hop.headers, body };
          const came = concealIn(await exchange(sending, { dispatcher, clock, signal, onSent }), request);
          const tookMs = clock.now() - startedAt;
          const end = (outcome: AttemptOutcome, meaning = outcome) => {
            const call = ended(came, outcome, meaning, tookMs);
            options.onAttempt?.(call);
          };
          const next = came.kind === "response" ? nextHop(hop, came, method) : undefined;
          if (typeof next === "string") {
            end("UPSTREAM_BAD_RESPONSE");
            return { kind: "failed", error: transportError(next), attempts };
          }
          if (next) {
            end("REDIRECTED");
            hop = next;
            continue;
          }
          const canRetry =
            method === "GET" && tries < MOST_TRIES && retryCanHelp(came) && timeLeft() >= LEAST_TIME_FOR_RETRY_MS;
          const retry = canRetry && (options.mayRetry?.() ?? true);
          const meaning = lastOutcome(came, request.judge);
          end(retry ? "RETRIED" : meaning, meaning);
          if (!retry) return { ...came, attempts };
          tries++;
          await sleep(clock, PAUSE_MS.least + random() * (PAUSE_MS.most - PAUSE_MS.least), signal);
          // What is known says more than that the time ran out in a pause.
          if (signal.aborted) return { ...came, attempts };
        }
      } finally {
        release();
      }
    },

    close() {
      closing.abort();
    },
  };
}

/** Only trouble that is likely gone in a moment, and only before anything of an answer was read. */
function retryCanHelp(came: Attempt): boolean {
  if (came.kind === "failed") return came.error.kind === "refused" || came.error.kind === "reset";
  if (came.kind !== "response") return false;
  return (
    (came.status === 502 || came.status === 503 || came.status === 504) && came.headers["retry-after"] === undefined
  );
}

function headersOf(request: HttpRequest): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, value] of request.headers) headers[name.toLowerCase()] = value;
  if (request.body) headers["content-type"] = request.body.type;
  return { ...headers, "accept-encoding": ACCEPT_ENCODING, "user-agent": USER_AGENT };
}
