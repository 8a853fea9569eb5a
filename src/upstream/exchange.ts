import type { Dispatcher } from "undici";
import type { Clock } from "../lib/clock.ts";
import type { Secret } from "../lib/secret.ts";
import { decodeBody } from "./body.ts";
import type { GivenUp } from "./give-up.ts";
import { classify, type TransportError } from "./transport-error.ts";

/** Where the time of one attempt went, in milliseconds. */
interface Timings {
  /** Until the request was sent: waiting for a connection, or making one. */
  readonly connectMs: number;
  /** From then to the head of the answer. */
  readonly firstByteMs: number;
  /** From then to the end of its body. */
  readonly bodyMs: number;
}

/** A whole answer. */
export interface Answer {
  readonly kind: "response";
  readonly status: number;
  /** Names in lower case; values of a repeated one joined by ", ". */
  readonly headers: Readonly<Record<string, string>>;
  /** Empty when the body is a secret. */
  readonly bodyText: string;
  /** The body of an answer that is a secret as a whole; absent from all others. */
  readonly secretBody?: Secret;
  /** Unix milliseconds at which the request was sent; what the answer says was true then or later. */
  readonly sentAt: number;
  readonly timings: Timings;
}

/** What one attempt came to. */
export type Attempt = Answer | { readonly kind: "failed"; readonly error: TransportError } | { readonly kind: GivenUp };

/** Sends one request and collects its answer, or gives up as soon as `signal` is aborted with a GivenUp. It never rejects. */
export function exchange(
  request: {
    method: "GET" | "POST";
    url: URL;
    headers: Readonly<Record<string, string>>;
    body?: string | undefined;
  },
  deps: {
    dispatcher: Pick<Dispatcher, "dispatch">;
    clock: Clock;
    signal: AbortSignal;
    onSent: (sentAt: number) => void;
  },
): Promise<Attempt> {
  const { dispatcher, clock, signal, onSent } = deps;
  return new Promise((resolve) => {
    const startedAt = clock.now();
    const chunks: Buffer[] = [];
    let controller: Dispatcher.DispatchController | undefined;
    let sentAt = startedAt;
    let head: { at: number; status: number; headers: Record<string, string> } | undefined;
    let settled = false;

    const settle = (attempt: Attempt) => {
      if (settled) return;
      settled = true;
      signal.removeEventListener("abort", giveUp);
      resolve(attempt);
    };
    const giveUp = () => {
      settle({ kind: signal.reason as GivenUp });
      controller?.abort(new Error("given up"));
    };
    const fail = (error: unknown) => {
      settle({ kind: "failed", error: classify(error, head !== undefined) });
    };
    const finish = async (start: NonNullable<typeof head>) => {
      const endedAt = clock.now();
      const body = await decodeBody(Buffer.concat(chunks), start.headers["content-encoding"]);
      if ("error" in body) return settle({ kind: "failed", error: body.error });
      const timings = { connectMs: sentAt - startedAt, firstByteMs: start.at - sentAt, bodyMs: endedAt - start.at };
      settle({ kind: "response", status: start.status, headers: start.headers, bodyText: body.text, sentAt, timings });
    };

    if (signal.aborted) return giveUp();
    signal.addEventListener("abort", giveUp, { once: true });
    try {
      dispatcher.dispatch(
        {
          origin: request.url.origin,
          path: request.url.pathname + request.url.search,
          method: request.method,
          headers: request.headers,
          ...(request.body !== undefined && { body: request.body }),
        },
        {
          // Called when a connection is there and the request is about to be written to it.
          onRequestStart(given) {
            controller = given;
            if (settled) return given.abort(new Error("given up"));
            sentAt = clock.now();
            onSent(sentAt);
          },
          onResponseStart(_, status, headers) {
            if (status >= 200) head = { at: clock.now(), status, headers: flattened(headers) };
          },
          onResponseData(_, chunk) {
            chunks.push(chunk);
          },
          onResponseEnd() {
            if (head) void finish(head);
          },
          onResponseError(_, error) {
            fail(error);
          },
        },
      );
    } catch (error) {
      fail(error);
    }
  });
}

/** Headers as undici gives them, with one text for each name. */
export function flattened(headers: Readonly<Record<string, string | string[] | undefined>>): Record<string, string> {
  const flat: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) flat[name.toLowerCase()] = Array.isArray(value) ? value.join(", ") : value;
  }
  return flat;
}
