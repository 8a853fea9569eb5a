import { describe, expect, test } from "vitest";
import { Secret } from "../../lib/secret.ts";
import { TestClock } from "../../lib/test-clock.ts";
import { BackOffs } from "../../upstream/backoff.ts";
import type { UpstreamFailure } from "../../upstream/failure.ts";
import type { HttpRequest, HttpResult, SendOptions } from "../../upstream/http-client.ts";
import { transportError } from "../../upstream/transport-error.ts";
import type { TokenOutcome } from "../tokens/token-source.ts";
import { Budgets } from "./budgets.ts";
import type { ApiAnswer, ApiCall, CallOptions } from "./call.ts";
import { createCallApi, OVER_BUDGET } from "./calls.ts";
import { Turn } from "./turn.ts";

const SECOND = 1_000;
const CALL: ApiCall = {
  method: "GET",
  path: "/queues?page=1",
  route: "/queues",
  group: "light",
  action: "list queues",
};

/** One request under way; the test is RingCentral. */
interface Sent {
  readonly request: HttpRequest;
  readonly options: SendOptions;
  readonly at: number;
  answer(status: number, headers?: Record<string, string>, body?: string): void;
  end(result: HttpResult): void;
}

function start({ connectMs = 0 } = {}) {
  const clock = new TestClock(0);
  const backOffs = new BackOffs();
  const budgets = new Budgets(clock);
  const sent: Sent[] = [];
  const http = {
    send(request: HttpRequest, options: SendOptions): Promise<HttpResult> {
      const { promise, resolve } = Promise.withResolvers<HttpResult>();
      const at = clock.now() + connectMs;
      const timings = { connectMs: 1, firstByteMs: 2, bodyMs: 3 };
      sent.push({
        request,
        options,
        at,
        answer: (status, headers = {}, bodyText = "{}") =>
          resolve({ kind: "response", status, headers, bodyText, sentAt: at, timings, attempts: 1 }),
        end: resolve,
      });
      if (connectMs === 0) options.onSent?.(at);
      else clock.after(connectMs, () => options.onSent?.(at));
      return promise;
    },
  };
  const tokens = {
    /** What `get` gives; as many as were refused are passed over. */
    given: [{ ok: true, token: new Secret("first") }] as (TokenOutcome | Promise<TokenOutcome>)[],
    refused: [] as string[],
    renews: true,
    get: () => tokens.given[Math.min(tokens.refused.length, tokens.given.length - 1)]!,
    refuse(token: Secret) {
      tokens.refused.push(token.reveal());
      return tokens.renews;
    },
  };
  const keys = { connection: "connection c", budget: "budget b/light" };
  const caller = {
    origin: "https://platform.example",
    tokens,
    budget: (group: "light" | "medium" | "heavy" | "auth") => budgets.get("b", group),
    backOffKeys: () => keys,
  };
  const api = createCallApi(caller, { http, clock, backOffs });
  const budget = budgets.get("b", "light");
  return {
    clock,
    backOffs,
    keys,
    sent,
    tokens,
    budget,
    /** Calls; what came of it is there once it is known. */
    call(call: Partial<ApiCall> = {}, options: Partial<CallOptions> & { timeoutMs?: number } = {}) {
      const { timeoutMs = 10 * SECOND, ...rest } = options;
      const deadline = clock.now() + timeoutMs;
      const made: { answer: ApiAnswer | undefined } = { answer: undefined };
      const { signal } = new AbortController();
      const given = { timeUp: signal, deadline: () => deadline, turn: new Turn("check"), ...rest };
      void api({ ...CALL, ...call }, given).then((answer) => {
        made.answer = answer;
      });
      return made;
    },
    /** The limit is known, and `spent` of it gone. */
    limit(limit: number, spent = 0): void {
      budget.observe({ group: "light", limit, left: limit, windowSeconds: 60 });
      for (let call = 0; call < spent; call++) budget.spend();
    },
  };
}

const renewed = (token: string): TokenOutcome => ({ ok: true, token: new Secret(token) });
const auth = ({ request }: Sent) => new Map(request.headers).get("Authorization");
const counters = (left: number) => ({
  "x-rate-limit-group": "light",
  "x-rate-limit-limit": "50",
  "x-rate-limit-remaining": String(left),
  "x-rate-limit-window": "60",
});
const failed = (reason: UpstreamFailure["reason"], until: number) => ({ ok: false, failure: { reason }, until });

describe("a call", () => {
  test("goes out at once with the token, and gives the answer with where the time went", async () => {
    const { clock, sent, call, budget } = start();
    const made = call();
    expect(sent.map(({ request }) => request)).toMatchObject([
      { method: "GET", url: "https://platform.example/queues?page=1", route: "/queues" },
    ]);
    expect(auth(sent[0]!)).toBe("Bearer first");
    sent[0]!.answer(200, counters(49), "[1]");
    await clock.advance(0);
    const timings = { budgetMs: 0, connectMs: 1, firstByteMs: 2, bodyMs: 3 };
    expect(made.answer).toMatchObject({ ok: true, status: 200, bodyText: "[1]", sentAt: 0, exchange: { timings } });
    expect(budget.state).toEqual({ limit: 50, left: 49 });
  });

  test("carries its body and type, and takes the statuses it expects for good", async () => {
    const { clock, sent, call } = start();
    const made = call({ method: "POST", body: { type: "text/plain", text: "x" }, expects: [201, 204] });
    expect(new Map(sent[0]!.request.headers).get("Content-Type")).toBe("text/plain");
    expect(sent[0]!.request.body).toEqual({ type: "text/plain", text: "x" });
    sent[0]!.answer(204);
    await clock.advance(0);
    expect(made.answer).toMatchObject({ ok: true, status: 204 });
    const other = call({ expects: [201] });
    sent[1]!.answer(200);
    await clock.advance(0);
    expect(other.answer?.ok).toBe(false);
  });

  test("is tried once more only where the budget has room, which is taken at once", async () => {
    const { clock, sent, call, limit, budget } = start();
    limit(2);
    call();
    expect(sent[0]!.options.mayRetry!()).toBe(true);
    expect(budget.state.left).toBe(0);
    sent[0]!.options.onSent!(clock.now());
    expect(budget.state.left).toBe(0);
    await clock.advance(59 * SECOND);
    expect(sent[0]!.options.mayRetry!()).toBe(false);
  });

  test("counts from when it is sent on, when it had to wait for a connection", async () => {
    const { clock, sent, call, limit, budget } = start({ connectMs: 5 * SECOND });
    limit(1);
    call();
    await clock.advance(5 * SECOND);
    expect(sent).toHaveLength(1);
    expect(budget.freeAt(new Turn("check"))).toBe(65 * SECOND);
  });

  test("waits for its turn, and says how long that took", async () => {
    const { clock, sent, call, limit } = start();
    limit(1, 1);
    let turns = 0;
    const made = call({}, { timeoutMs: 90 * SECOND, onTurn: () => turns++ });
    await clock.advance(60 * SECOND - 1);
    expect([sent.length, turns]).toEqual([0, 0]);
    await clock.advance(1);
    expect([sent.length, turns]).toEqual([1, 1]);
    sent[0]!.answer(200);
    await clock.advance(0);
    expect(made.answer).toMatchObject({ ok: true, exchange: { timings: { budgetMs: 60 * SECOND } } });
  });

  test("says that the budget allows none in time, at once, and that is no failure to back off from", async () => {
    const { clock, sent, backOffs, call, limit } = start();
    limit(1, 1);
    const made = call();
    await clock.advance(0);
    expect(made.answer).toEqual({ ok: false, failure: OVER_BUDGET, until: 60 * SECOND });
    expect([sent.length, backOffs.size]).toEqual([0, 0]);
  });

  test("counts nothing while there is no token, and gives the reason there is none", async () => {
    const { clock, sent, tokens, budget, limit, call } = start();
    limit(10);
    const failure = { reason: "UPSTREAM_UNAUTHENTICATED", scope: "connection", message: "no" } as const;
    tokens.given = [Promise.resolve({ ok: false, failure, until: 7 })];
    const made = call();
    await clock.advance(0);
    expect(made.answer).toEqual({ ok: false, failure, until: 7 });
    expect([sent.length, budget.state.left]).toEqual([0, 10]);
  });

  test("counts every attempt", async () => {
    const { clock, sent, budget, limit, call } = start();
    limit(10);
    call();
    sent[0]!.options.onSent?.(clock.now()); // a retry
    sent[0]!.options.onSent?.(clock.now());
    expect(budget.state.left).toBe(7);
  });

  test("counts as many as RingCentral does, with every attempt, and is given back whole", async () => {
    const { clock, sent, tokens, budget, limit, call } = start();
    limit(20);
    call({ units: 5 });
    sent[0]!.options.onSent?.(clock.now()); // a retry
    expect(budget.state.left).toBe(10);
    const waiting = call({ units: 11 }, { timeoutMs: 90 * SECOND });
    const failure = { reason: "UPSTREAM_UNAVAILABLE", scope: "connection", message: "no token" } as const;
    tokens.given = [{ ok: false, failure, until: 70 * SECOND }];
    await clock.advance(60 * SECOND);
    expect(waiting.answer).toMatchObject({ ok: false, failure });
    expect([sent.length, budget.state.left]).toEqual([1, 20]);
  });

  test("is made once more with another token only where there is room for all that it counts as", async () => {
    const { clock, sent, tokens, limit, budget, call } = start();
    limit(9);
    tokens.given.push(renewed("second"));
    const made = call({ units: 5 });
    sent[0]!.answer(401);
    await clock.advance(0);
    expect(made.answer).toMatchObject(failed("UPSTREAM_RATE_LIMITED", 60 * SECOND));
    expect([sent.length, budget.state.left]).toEqual([1, 4]);
  });

  test("whose answer is a secret leaves nothing of it in an exchange, and tells what went wrong all the same", async () => {
    const { clock, sent, call } = start();
    const secretBody = (text: string) => ({ bodyText: "", secretBody: new Secret(text) });
    const answer = (status: number, text: string): HttpResult => {
      const timings = { connectMs: 0, firstByteMs: 0, bodyMs: 0 };
      return { kind: "response", status, headers: {}, sentAt: 0, timings, attempts: 1, ...secretBody(text) };
    };
    const made = [call({ secretAnswer: true }), call({ secretAnswer: true })];
    expect(sent[0]!.request.secretAnswer).toBe(true);
    sent[0]!.end(answer(200, '{"token":"s3cret"}'));
    const denied = { errorCode: "CMN-401", message: "no first", permissionName: "WebSocketsSubscription" };
    sent[1]!.end(answer(403, JSON.stringify(denied)));
    await clock.advance(0);
    expect(made[0]!.answer).toMatchObject({ ok: true, bodyText: "", exchange: { body: "" } });
    expect(made[0]!.answer).toHaveProperty("secretBody", new Secret('{"token":"s3cret"}'));
    expect(JSON.stringify(made[0]!.answer)).not.toContain("s3cret");
    expect(made[1]!.answer).toMatchObject({
      ...failed("UPSTREAM_PERMISSION_DENIED", 0),
      exchange: { status: 403, body: "" },
    });
    const message = !made[1]!.answer?.ok ? made[1]!.answer?.failure.message : "";
    expect(message).toContain('the permission "WebSocketsSubscription"');
    expect(message).toContain("no [token]");
  });
});

describe("a token that is refused", () => {
  test("is given up for another, with which the call is made once more", async () => {
    const { clock, sent, tokens, backOffs, keys, budget, limit, call } = start();
    limit(10);
    tokens.given.push(Promise.resolve(renewed("second")));
    const made = call();
    sent[0]!.answer(401);
    await clock.advance(0);
    expect(tokens.refused).toEqual(["first"]);
    expect(sent.map(auth)).toEqual(["Bearer first", "Bearer second"]);
    sent[1]!.answer(200, {}, "good");
    await clock.advance(0);
    expect(made.answer).toMatchObject({ ok: true, bodyText: "good" });
    expect(budget.state.left).toBe(8);
    expect(backOffs.blocked(Object.values(keys), clock.now())).toBeUndefined();
  });

  test("fails the call when the next one is refused as well, and keeps everybody from the connection", async () => {
    const { clock, sent, tokens, call } = start();
    tokens.given.push(renewed("second"), renewed("third"));
    const made = call();
    sent[0]!.answer(401);
    await clock.advance(0);
    sent[1]!.answer(401);
    await clock.advance(0);
    expect(made.answer).toMatchObject(failed("UPSTREAM_UNAUTHENTICATED", 10 * SECOND));
    const other = call();
    await clock.advance(0);
    expect(other.answer).toMatchObject(failed("UPSTREAM_UNAUTHENTICATED", 10 * SECOND));
    expect(sent).toHaveLength(2);
  });

  test("fails the call at once when no other can be had", async () => {
    const { clock, sent, tokens, call } = start();
    tokens.renews = false;
    const made = call();
    sent[0]!.answer(401);
    await clock.advance(0);
    expect(made.answer).toMatchObject(failed("UPSTREAM_UNAUTHENTICATED", 10 * SECOND));
    expect(sent).toHaveLength(1);
  });

  test("is not called with again when the budget allows no second call", async () => {
    const { clock, sent, tokens, limit, call } = start();
    limit(1);
    tokens.given.push(renewed("second"));
    const made = call();
    sent[0]!.answer(401);
    await clock.advance(0);
    expect(made.answer).toMatchObject(failed("UPSTREAM_RATE_LIMITED", 60 * SECOND));
    expect(sent).toHaveLength(1);
  });
});

describe("a penalty", () => {
  test("begins with a 429 for all that counts together, and nothing is sent inside it", async () => {
    const { clock, sent, backOffs, keys, call } = start();
    const [made, underWay] = [call(), call()];
    sent[0]!.answer(429, { "retry-after": "30" });
    await clock.advance(0);
    expect(made.answer).toMatchObject(failed("UPSTREAM_RATE_LIMITED", 30 * SECOND));
    expect(backOffs.blocked([keys.budget], 0)?.until).toBe(30 * SECOND);
    expect(backOffs.blocked([keys.connection], 0)).toBeUndefined();
    await clock.advance(30 * SECOND - 1);
    const inside = [call(), call({}, { backsOff: false })];
    await clock.advance(0);
    for (const { answer } of inside) expect(answer).toMatchObject(failed("UPSTREAM_RATE_LIMITED", 30 * SECOND));
    expect(sent).toHaveLength(2);
    // What was under way before says nothing of it.
    sent[1]!.answer(200);
    await clock.advance(0);
    expect(underWay.answer?.ok).toBe(true);
    expect(backOffs.blocked([keys.budget], clock.now())?.until).toBe(30 * SECOND);
    await clock.advance(1);
    call();
    expect(sent).toHaveLength(3);
  });

  test("lasts a minute when RingCentral names no time", async () => {
    const { clock, sent, call } = start();
    const made = call();
    sent[0]!.answer(429);
    await clock.advance(0);
    expect(made.answer).toMatchObject(failed("UPSTREAM_RATE_LIMITED", 60 * SECOND));
  });

  test("lasts as long as RingCentral says, whatever it counts beside it", async () => {
    const { clock, sent, budget, call } = start();
    call();
    sent[0]!.answer(429, { ...counters(0), "retry-after": "2" });
    await clock.advance(0);
    expect(budget.state).toEqual({ limit: undefined, left: undefined });
    await clock.advance(2 * SECOND);
    call();
    expect(sent).toHaveLength(2);
  });

  test("that begins while a call waits for its turn is not called into, and costs nothing", async () => {
    const { clock, sent, backOffs, keys, budget, limit, call } = start();
    limit(1, 1);
    const made = call({}, { timeoutMs: 90 * SECOND });
    await clock.advance(SECOND);
    backOffs.open(keys.budget, { ...OVER_BUDGET, retryAfterMs: 90 * SECOND }, clock.now());
    await clock.advance(59 * SECOND);
    expect(made.answer).toMatchObject(failed("UPSTREAM_RATE_LIMITED", 91 * SECOND));
    expect(sent).toEqual([]);
    expect(budget.state.left).toBe(1);
  });
});

describe("a token that ends while a call waits for its turn", () => {
  test("is replaced, and the turn is given back when there is none", async () => {
    const { clock, sent, tokens, budget, limit, call } = start();
    limit(1, 1);
    const failure = { reason: "UPSTREAM_UNAVAILABLE", scope: "connection", message: "no token" } as const;
    const made = call({}, { timeoutMs: 90 * SECOND });
    await clock.advance(SECOND);
    tokens.given = [{ ok: false, failure, until: 70 * SECOND }];
    await clock.advance(59 * SECOND);
    expect(made.answer).toEqual({ ok: false, failure, until: 70 * SECOND });
    expect(budget.state.left).toBe(1);
    tokens.given = [renewed("newer")];
    call();
    expect(sent.map(auth)).toEqual(["Bearer newer"]);
  });
});

describe("trouble of the connection", () => {
  test("keeps everybody from it for a while, and doubles until something succeeds", async () => {
    const { clock, sent, call } = start();
    const untils: number[] = [];
    for (const works of [false, false, true, false]) {
      const made = call();
      if (works) sent.at(-1)!.answer(200);
      else sent.at(-1)!.end({ kind: "failed", error: transportError("reset"), attempts: 1 });
      await clock.advance(0);
      if (made.answer?.ok === false) {
        expect(made.answer.failure.reason).toBe("UPSTREAM_UNAVAILABLE");
        untils.push(made.answer.until - clock.now());
        await clock.advance(made.answer.until - clock.now());
      }
    }
    expect(untils).toEqual([250, 500, 250]);
  });

  test("neither keeps out who does not back off, nor is remembered from him", async () => {
    const { clock, sent, backOffs, keys, call } = start();
    call();
    sent[0]!.answer(503);
    await clock.advance(0);
    const blocked = backOffs.blocked([keys.connection], clock.now());
    expect(blocked?.until).toBe(250);
    const tried = call({}, { backsOff: false });
    expect(sent).toHaveLength(2);
    sent[1]!.answer(503, { "retry-after": "600" });
    await clock.advance(0);
    expect(tried.answer).toMatchObject(failed("UPSTREAM_UNAVAILABLE", 0));
    expect(backOffs.blocked([keys.connection], clock.now())).toEqual(blocked);
  });
});

describe("trouble of one call", () => {
  test.each([
    ["a missing queue", 404, "UPSTREAM_NOT_FOUND"],
    ["a missing permission", 403, "UPSTREAM_PERMISSION_DENIED"],
  ] as const)("is the caller's to remember, when it is %s", async (_, status, reason) => {
    const { clock, sent, backOffs, call } = start();
    const made = call();
    sent[0]!.answer(status, {}, "why");
    await clock.advance(0);
    expect(made.answer).toMatchObject({ ...failed(reason, 0), exchange: { status, body: "why" } });
    expect(backOffs.size).toBe(0);
  });

  test("has no exchange when no whole answer came, which is as good as an answer for those who wait", async () => {
    const { clock, sent, budget, call } = start();
    const made = call();
    for (let others = 0; others < 8; others++) call();
    expect(sent).toHaveLength(8);
    sent[0]!.end({ kind: "timeout", attempts: 1 });
    await clock.advance(0);
    expect(made.answer).toMatchObject(failed("UPSTREAM_TIMEOUT", 0));
    expect(made.answer).not.toHaveProperty("exchange");
    expect(sent).toHaveLength(9);
    expect(budget.idle).toBe(false);
  });
});
