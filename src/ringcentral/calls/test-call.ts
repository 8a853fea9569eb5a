import type { Clock } from "../../lib/clock.ts";
import { systemClock } from "../../lib/clock.ts";
import { createAllowList } from "../../upstream/allow-list.ts";
import { createDispatcher } from "../../upstream/dispatcher.ts";
import { createHttpClient } from "../../upstream/http-client.ts";
import type { ApiAnswer, ApiCall, CallApi, CallOptions } from "./call.ts";
import { failureOf } from "./errors.ts";
import { type Purpose, Turn } from "./turn.ts";

/** An answer of the platform; a body that is no text is printed as JSON. */
export interface Reply {
  readonly status?: number;
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Options of a call that has all the time in the world, unless said otherwise. */
export function callOptions(rest: Partial<CallOptions> & { purpose?: Purpose } = {}): CallOptions {
  const { purpose = "watched", ...options } = rest;
  return {
    timeUp: new AbortController().signal,
    deadline: () => Number.POSITIVE_INFINITY,
    turn: new Turn(purpose),
    ...options,
  };
}

/** Calls answered by a function, with neither a network nor a budget. */
export function answeredBy(
  clock: Pick<Clock, "now">,
  answer: (call: ApiCall, options: CallOptions) => Reply | Promise<Reply>,
): { readonly call: CallApi; readonly calls: ApiCall[] } {
  const calls: ApiCall[] = [];
  const call: CallApi = async (call, options) => {
    calls.push(call);
    const sentAt = clock.now();
    options.onSent?.(sentAt);
    const { status = 200, body, headers = {} } = await answer(call, options);
    const bodyText = typeof body === "string" ? body : JSON.stringify(body);
    return judged(call, { status, bodyText, headers, sentAt }, clock.now());
  };
  return { call, calls };
}

/** Calls over the network to a server of this machine, with neither token nor budget. */
export function callsTo(origin: string): { readonly call: CallApi; close(): Promise<void> } {
  const dispatcher = createDispatcher({ allowList: createAllowList([origin]) });
  const http = createHttpClient({ dispatcher, clock: systemClock });
  const call: CallApi = async (call, options) => {
    const { method, path, route, accept = "application/json", expects = [200] } = call;
    const came = await http.send(
      {
        method,
        url: `${origin}${path}`,
        headers: [["Accept", accept]],
        secrets: [],
        route,
        judge: ({ status }) => (expects.includes(status) ? "OK" : "UPSTREAM_BAD_RESPONSE"),
      },
      options,
    );
    if (came.kind !== "response") throw new Error(`no answer: ${came.kind}`);
    return judged(call, came, systemClock.now());
  };
  return {
    call,
    async close() {
      http.close();
      await dispatcher.destroy();
    },
  };
}

function judged(
  call: ApiCall,
  answer: { status: number; bodyText: string; headers: Readonly<Record<string, string>>; sentAt: number },
  now: number,
): ApiAnswer {
  const { status, bodyText } = answer;
  const exchange = { status, body: bodyText, timings: { budgetMs: 0, connectMs: 0, firstByteMs: 0, bodyMs: 0 } };
  if ((call.expects ?? [200]).includes(status)) return { ok: true, ...answer, exchange };
  const failure = failureOf(answer, { action: call.action, hide: "t0ken", now });
  return { ok: false, failure, until: now, exchange };
}
