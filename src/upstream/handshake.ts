import type { Duplex } from "node:stream";
import type { Dispatcher } from "undici";
import type { Clock } from "../lib/clock.ts";
import { AttemptLinks } from "./attempt-links.ts";
import { type AttemptOutcome, lastOutcome, startAttempt } from "./attempt-span.ts";
import { concealIn } from "./conceal.ts";
import { type Answer, type Attempt, flattened } from "./exchange.ts";
import type { GivenUp } from "./give-up.ts";
import { classify, type TransportError, transportError } from "./transport-error.ts";

type Dispatch = Dispatcher["dispatch"];

/**
 * Handshake watches what undici keeps to itself when it opens a WebSocket: what was answered, what went wrong, and the
 * connection. It is one attempt, with a span of its own; nobody is told of the query, which holds a token.
 */
export class Handshake {
  /** The connection, once it is a WebSocket's. */
  socket: Duplex | undefined;
  readonly #clock: Clock;
  /** What the query says. */
  readonly #secrets: readonly string[];
  readonly #startedAt: number;
  readonly #endSpan: ReturnType<typeof startAttempt>;
  #sentAt: number;
  #came: Attempt | undefined;
  #ended = false;
  #succeeded = false;

  constructor(url: URL, clock: Clock) {
    this.#clock = clock;
    this.#startedAt = clock.now();
    this.#sentAt = this.#startedAt;
    const secrets = [...url.searchParams.values()];
    this.#secrets = secrets;
    const [links, at] = [new AttemptLinks([]), this.#startedAt];
    this.#endSpan = startAttempt({ method: "GET", url, secrets, route: undefined, number: 1, links, at });
  }

  /** Why there is no WebSocket, as far as the server or the way to it said so. */
  get trouble(): { readonly error?: TransportError; readonly status?: number } {
    const came = this.#came;
    if (this.#succeeded || came === undefined) return {};
    if (came.kind === "failed") return { error: came.error };
    if (came.kind !== "response") return {};
    return came.status === 101 ? { error: transportError("malformed") } : { status: came.status };
  }

  /** There is a WebSocket. */
  succeeded(): void {
    this.#succeeded = true;
    this.ended();
  }

  /** It is over, unless it was before. */
  ended(): void {
    if (this.#ended) return;
    this.#ended = true;
    const { error } = this.trouble;
    // A 101 that makes no WebSocket counts as its error.
    const came = error ? ({ kind: "failed", error } as const) : (this.#came ?? { kind: "stopped" });
    const outcome = lastOutcome(came, judge);
    this.#endSpan(came, outcome, outcome, this.#clock.now() - this.#startedAt);
  }

  /** Nobody waits for it any more. What came before stands. */
  giveUp(why: GivenUp): void {
    this.#came ??= { kind: why };
  }

  /** The dispatch that it is watched in. */
  watched(dispatch: Dispatch): Dispatch {
    return (request, handler) => {
      try {
        return dispatch(request, this.#watching(handler));
      } catch (error) {
        this.#came ??= { kind: "failed", error: classify(error, false) };
        throw error;
      }
    };
  }

  #watching(handler: Dispatcher.DispatchHandler): Dispatcher.DispatchHandler {
    return {
      onRequestStart: (controller, context) => {
        this.#sentAt = this.#clock.now();
        handler.onRequestStart?.(controller, context);
      },
      onRequestUpgrade: (controller, status, headers, socket) => {
        this.#answered(status, headers);
        this.socket = socket;
        return handler.onRequestUpgrade?.(controller, status, headers, socket);
      },
      onResponseStarted: () => handler.onResponseStarted?.(),
      onResponseStart: (controller, status, headers, message) => {
        if (status >= 200) this.#answered(status, headers);
        handler.onResponseStart?.(controller, status, headers, message);
      },
      onResponseData: (controller, chunk) => handler.onResponseData?.(controller, chunk),
      onResponseEnd: (controller, trailers) => handler.onResponseEnd?.(controller, trailers),
      onResponseError: (controller, error) => {
        this.#came ??= { kind: "failed", error: classify(error, false) };
        handler.onResponseError?.(controller, error);
      },
    };
  }

  #answered(status: number, headers: Parameters<typeof flattened>[0]): void {
    const timings = { connectMs: this.#sentAt - this.#startedAt, firstByteMs: this.#clock.now() - this.#sentAt };
    const answer: Attempt = {
      kind: "response",
      status,
      headers: flattened(headers),
      bodyText: "",
      sentAt: this.#sentAt,
      timings: { ...timings, bodyMs: 0 },
    };
    this.#came ??= concealIn(answer, { secrets: this.#secrets });
  }
}

function judge({ status }: Answer): AttemptOutcome {
  if (status === 101) return "OK";
  if (status === 401) return "UPSTREAM_UNAUTHENTICATED";
  if (status === 403) return "UPSTREAM_PERMISSION_DENIED";
  if (status === 404) return "UPSTREAM_NOT_FOUND";
  if (status === 429) return "UPSTREAM_RATE_LIMITED";
  return status >= 500 ? "UPSTREAM_UNAVAILABLE" : "UPSTREAM_BAD_RESPONSE";
}
