import type { Clock } from "../../lib/clock.ts";
import type { Secret } from "../../lib/secret.ts";
import { backOffOpened } from "../../telemetry/events.ts";
import type { BackOffs } from "../../upstream/backoff.ts";
import { conceal } from "../../upstream/conceal.ts";
import type { Answer } from "../../upstream/exchange.ts";
import type { UpstreamFailure } from "../../upstream/failure.ts";
import type { HttpClient, HttpResult } from "../../upstream/http-client.ts";
import { readRateLimit } from "../../upstream/rate-limit.ts";
import { meaningOf } from "../../upstream/transport-error.ts";
import type { TokenSource } from "../tokens/token-source.ts";
import type { Budget } from "./budget.ts";
import type { ApiAnswer, ApiCall, ApiFailure, CallApi, CallOptions, Exchange } from "./call.ts";
import { failureOf } from "./errors.ts";
import type { UsageGroup } from "./usage-group.ts";

/** Our own budget allowed no call: nothing was sent, so nothing is to be backed off from. */
export const OVER_BUDGET: UpstreamFailure = {
  reason: "UPSTREAM_RATE_LIMITED",
  message: "The rate limit of this connection allows no read in time",
  scope: "budget",
};

export function overBudget(until: number): ApiFailure {
  return { ok: false, failure: OVER_BUDGET, until };
}

/** In whose name calls are made; what is counted and remembered under which keys may change with the first token. */
export interface Caller {
  readonly origin: string;
  readonly tokens: Pick<TokenSource, "get" | "refuse">;
  readonly budget: (group: UsageGroup) => Budget;
  readonly backOffKeys: (group: UsageGroup) => { readonly connection: string; readonly budget: string };
}

export interface CallsDeps {
  readonly http: Pick<HttpClient, "send">;
  readonly clock: Clock;
  readonly backOffs: Pick<BackOffs, "open" | "blocked" | "succeeded">;
}

/** The one way to call RingCentral's API: what is counted, waited for and backed off from is here and nowhere else. */
export function createCallApi(caller: Caller, { http, clock, backOffs }: CallsDeps): CallApi {
  return async (call, options) => {
    const beganAt = clock.now();
    const blocked = blockedNow(call, options);
    if (blocked) return blocked;
    // A token first: while there is none, nothing is to be counted. What is at hand is not waited for: a read that may be
    // sent is under way when its asker goes on.
    const known = caller.tokens.get(options.timeUp);
    const first = known instanceof Promise ? await known : known;
    if (!first.ok) return first;
    const place = caller.budget(call.group).take(options.turn, options.deadline, options.timeUp, call.units);
    const turn = place instanceof Promise ? await place : place;
    if (!turn.granted) return overBudget(turn.until);
    // If it waited, a penalty or a back-off may have begun, and the token may have ended.
    const again = place instanceof Promise ? (blockedNow(call, options) ?? caller.tokens.get(options.timeUp)) : first;
    const token = again instanceof Promise ? await again : again;
    if (!token.ok) {
      caller.budget(call.group).refund(turn.at, call.units);
      return token;
    }
    options.onTurn?.();
    const budgetMs = clock.now() - beganAt;
    const answer = await send(call, token.token, { budgetMs, countedAt: turn.at }, options);
    const dead = !answer.ok && answer.failure.reason === "UPSTREAM_UNAUTHENTICATED";
    if (!dead || !caller.tokens.refuse(token.token)) return settled(call, answer, options);
    // That token is dead, which its successor cures: one more call, which counts like any other.
    const next = await caller.tokens.get(options.timeUp);
    if (!next.ok) return next;
    const budget = caller.budget(call.group);
    const freeAt = budget.roomAt(options.turn, call.units);
    if (freeAt > clock.now()) return overBudget(freeAt);
    const countedAt = budget.spend(call.units);
    return settled(call, await send(call, next.token, { budgetMs, countedAt }, options), options);
  };

  function blockedNow(call: ApiCall, { backsOff = true }: CallOptions): ApiFailure | undefined {
    const keys = caller.backOffKeys(call.group);
    const blocked = backOffs.blocked(backsOff ? [keys.connection, keys.budget] : [keys.budget], clock.now());
    return blocked && { ok: false, failure: blocked.failure, until: blocked.until };
  }

  async function send(
    call: ApiCall,
    token: Secret,
    { budgetMs, countedAt }: { budgetMs: number; countedAt: number },
    options: CallOptions,
  ): Promise<ApiAnswer> {
    const { method, path, route, action, accept = "application/json", body, expects = [200], secretAnswer } = call;
    const secret = token.reveal();
    const context = { action, hide: secret };
    // When the attempt to come was counted; undefined for one that nobody expected, such as a redirect's.
    let expected: number | undefined = countedAt;
    const counted: number[] = [];
    const came = await http.send(
      {
        method,
        url: `${caller.origin}${path}`,
        headers: [
          ["Accept", accept],
          ["Authorization", `Bearer ${secret}`],
          ...(body ? ([["Content-Type", body.type]] as const) : []),
        ],
        ...(body && { body }),
        secrets: [secret],
        ...(secretAnswer && { secretAnswer }),
        route,
        judge: (answer) =>
          expects.includes(answer.status) ? "OK" : failureOf(readable(answer, secret), { ...context, now: 0 }).reason,
      },
      {
        ...options,
        mayRetry: () => {
          // One more is one too many where nothing is left: it would begin a penalty.
          const budget = caller.budget(call.group);
          if (budget.roomAt(options.turn, call.units) > clock.now()) return false;
          expected = budget.spend(call.units);
          return true;
        },
        onSent: (sentAt) => {
          // RingCentral counts each attempt when it comes.
          const budget = caller.budget(call.group);
          const at = expected === undefined ? budget.spend(call.units) : budget.sent(expected, call.units);
          expected = undefined;
          counted.push(...Array.from({ length: call.units ?? 1 }, () => at));
          options.onSent?.(sentAt);
        },
      },
    );
    const now = clock.now();
    if (came.kind !== "response") {
      caller.budget(call.group).observe(undefined, counted);
      return { ok: false, failure: withoutAnswer(came, action), until: now };
    }
    const exchange: Exchange = {
      status: came.status,
      body: came.bodyText,
      timings: { budgetMs, ...came.timings },
    };
    const { status, bodyText, secretBody, headers, sentAt } = came;
    const good = expects.includes(status);
    const failure = good ? undefined : failureOf(readable(came, secret), { ...context, now });
    // Where RingCentral says how long to wait, that holds, not what its counters would lead us to think.
    const heeded = failure?.retryAfterMs === undefined;
    caller.budget(call.group).observe(heeded ? readRateLimit(headers) : undefined, counted);
    return failure
      ? { ok: false, failure, until: now, exchange }
      : { ok: true, status, bodyText, ...(secretBody && { secretBody }), headers, sentAt, exchange };
  }

  /** Remembers what has to be left alone, and for how long; what concerns this call alone is the caller's to remember. */
  function settled(call: ApiCall, answer: ApiAnswer, { backsOff = true }: CallOptions): ApiAnswer {
    const keys = caller.backOffKeys(call.group);
    if (answer.ok) {
      backOffs.succeeded([keys.connection, keys.budget]);
      return answer;
    }
    const { failure } = answer;
    if (failure.scope === "question" || (failure.scope === "connection" && !backsOff)) return answer;
    const key = keys[failure.scope];
    const until = backOffs.open(key, failure, clock.now());
    backOffOpened({ scope: failure.scope, reason: failure.reason, message: failure.message, key, untilMs: until });
    return { ...answer, until };
  }
}

/** An answer for those who look for what went wrong alone, also where its body would be a secret if nothing had. */
function readable(answer: Answer, sent: string): Pick<Answer, "status" | "headers" | "bodyText"> {
  const { status, headers, bodyText, secretBody } = answer;
  return { status, headers, bodyText: secretBody ? conceal(secretBody.reveal(), [sent]) : bodyText };
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
