import { describe, expect, test } from "vitest";
import { parseDocument } from "../../acceptance/document.ts";
import { settle, TestClock } from "../../lib/test-clock.ts";
import type { ApiCall, CallOptions } from "../calls/call.ts";
import { answeredBy, callOptions, type Reply } from "../calls/test-call.ts";
import { UNKNOWABLE_MS } from "./extension-presence.ts";
import { ExtensionRefresh, type RefreshDeps } from "./extension-refresh.ts";
import { Tables } from "./tables.ts";

const body = (id: string) => ({
  extension: { id: Number(id) },
  presenceStatus: "Available",
  dndStatus: "TakeAllCalls",
});

/** Answers any call for presence, of the account's extensions 1 to `total`. */
function answer({ path }: ApiCall, total = 2_000): Reply {
  const ids = /extension\/([\d,]+)\/presence$/.exec(path)?.[1]?.split(",");
  if (ids?.length === 1) return { body: body(ids[0]!) };
  if (ids) return { status: 207, body: ids.map((id) => ({ resourceId: id, status: 200, body: body(id) })) };
  const page = Number(/page=(\d+)/.exec(path)![1]);
  const totalPages = Math.ceil(total / 1_000);
  const records = Array.from({ length: Math.min(1_000, total - (page - 1) * 1_000) }, (_, index) =>
    body(`${(page - 1) * 1_000 + index + 1}`),
  );
  return { body: { records, paging: { page, totalPages, totalElements: total } } };
}

function setUp(
  reply: (call: ApiCall, options: CallOptions) => Reply | Promise<Reply> = (call) => answer(call),
  rest: Partial<RefreshDeps> = {},
) {
  const clock = new TestClock();
  const tables = new Tables({ clock, accountId: "~", coverageOf: () => undefined });
  const { call, calls } = answeredBy(clock, reply);
  const refresh = new ExtensionRefresh({ call, clock, accountId: "~", tables, ...rest });
  return { clock, tables, calls, refresh, stale: (ids: readonly string[]) => tables.staleExtensions(ids, clock.now()) };
}

/** A reply that comes when `release` is called. */
function held() {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { reply: (call: ApiCall) => promise.then(() => answer(call)), release: resolve };
}

const times = <Value>(count: number, value: Value) => Array.from({ length: count }, () => value);
const ids = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => `${from + index}`);

describe("refresh()", () => {
  test("reads what is stale, and nothing twice while it is new enough", async () => {
    const { refresh, tables, calls, clock, stale } = setUp();
    expect(await refresh.refresh(["1", "2"], clock.now(), callOptions())).toEqual({ ok: true });
    expect(await refresh.refresh(["2", "1"], clock.now(), callOptions())).toEqual({ ok: true });
    expect(await refresh.refresh([], clock.now(), callOptions())).toEqual({ ok: true });
    expect(calls.map(({ path }) => path)).toEqual(["/restapi/v1.0/account/~/extension/1,2/presence"]);
    expect(stale(["1", "2"])).toEqual([]);
    await clock.advance(5_000);
    expect(await refresh.refresh(["1", "2"], clock.now() - 5_000, callOptions())).toEqual({ ok: true });
    expect(calls).toHaveLength(1);
    expect(await refresh.refresh(["2"], clock.now(), callOptions())).toEqual({ ok: true });
    expect(calls).toHaveLength(2);
    expect(tables.staleExtensions(["1", "2"], clock.now())).toEqual(["1"]);
  });

  test("plans those together who ask in the same moment, so that an agent in eight queues is read once", async () => {
    const { refresh, calls, clock, stale } = setUp();
    const asked = Array.from({ length: 8 }, (_, queue) =>
      refresh.refresh(["1", `${queue + 2}`], clock.now(), callOptions()),
    );
    expect(await Promise.all(asked)).toEqual(times(8, { ok: true }));
    expect(calls).toHaveLength(1);
    expect(stale(ids(1, 9))).toEqual([]);
  });

  test("joins what is under way when that was sent late enough, and reads the rest", async () => {
    const { reply, release } = held();
    const { refresh, calls, clock } = setUp(reply);
    const first = refresh.refresh(["1", "2"], clock.now(), callOptions());
    await settle();
    const sentAt = clock.now();
    await clock.advance(1_000);
    const second = refresh.refresh(["2", "3"], sentAt, callOptions());
    const third = refresh.refresh(["2"], clock.now(), callOptions());
    await settle();
    expect(calls.map(({ path }) => /extension\/([\d,]+)/.exec(path)?.[1])).toEqual(["1,2", "3,2"]);
    release();
    expect(await Promise.all([first, second, third])).toEqual(times(3, { ok: true }));
  });

  test("takes the way that costs least, and marks those whom the account does not list", async () => {
    const { refresh, calls, clock, tables, stale } = setUp();
    const news: string[][] = [];
    const record = { member: { id: "7" }, acceptQueueCalls: true, acceptCurrentQueueCalls: true };
    const parsed = parseDocument(JSON.stringify({ records: [record] }));
    if (parsed.ok) tables.queueRead("400", parsed.document, clock.now());
    const other = new ExtensionRefresh({
      call: answeredBy(clock, (call) => answer(call)).call,
      clock,
      accountId: "~",
      tables,
      onNews: (queueIds) => news.push([...queueIds]),
    });
    expect(await refresh.refresh([...ids(1, 200), "9999"], clock.now(), callOptions())).toEqual({ ok: true });
    expect(calls.map(({ path }) => path.replace(/.*~/, ""))).toEqual([
      "/presence?page=1&perPage=1000",
      "/presence?page=2&perPage=1000",
    ]);
    expect(stale([...ids(1, 2_000), "9999"])).toEqual([]);
    await clock.advance(UNKNOWABLE_MS);
    expect(tables.staleExtensions(["9999"], 0)).toEqual(["9999"]);
    expect(await other.refresh(["7"], clock.now(), callOptions())).toEqual({ ok: true });
    expect(news).toEqual([["400"]]);
  });

  test("reads extensions singly for an hour when the account's presence is denied", async () => {
    const denied = { status: 403, body: { errors: [{ errorCode: "CMN-408" }] } };
    const { refresh, calls, clock, stale } = setUp((call) => (call.group === "heavy" ? denied : answer(call)));
    expect(await refresh.refresh(ids(1, 200), clock.now(), callOptions())).toEqual({ ok: true });
    expect(calls.map(({ group }) => group)).toEqual(["heavy", ...Array(7).fill("light")]);
    expect(stale(ids(1, 200))).toEqual([]);
    await clock.advance(60_000);
    await refresh.refresh(ids(1, 200), clock.now(), callOptions());
    expect(calls.filter(({ group }) => group === "heavy")).toHaveLength(1);
    await clock.advance(60 * 60_000);
    await refresh.refresh(ids(1, 200), clock.now(), callOptions());
    expect(calls.filter(({ group }) => group === "heavy")).toHaveLength(2);
  });

  test("reads for those too who joined the account's presence before it was denied", async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const denied = { status: 403, body: { errors: [{ errorCode: "CMN-408" }] } };
    const { refresh, clock, stale } = setUp((call) =>
      call.group === "heavy" ? promise.then(() => denied) : answer(call),
    );
    const first = refresh.refresh(ids(1, 200), clock.now(), callOptions());
    await settle();
    const second = refresh.refresh(["500"], clock.now(), callOptions());
    resolve();
    expect(await Promise.all([first, second])).toEqual([{ ok: true }, { ok: true }]);
    expect(stale(["1", "200", "500"])).toEqual([]);
  });

  test("takes no more askers into the account's presence once it was denied", async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const denied = { status: 403, body: { errors: [{ errorCode: "CMN-408" }] } };
    const { refresh, clock, calls, stale } = setUp((call) =>
      call.group === "heavy" ? denied : promise.then(() => answer(call)),
    );
    const first = refresh.refresh(ids(1, 200), clock.now(), callOptions());
    await settle();
    const others = [
      refresh.refresh(["500"], clock.now(), callOptions()),
      refresh.refresh(["9"], clock.now(), callOptions()),
    ];
    await settle();
    resolve();
    expect(await Promise.all([first, ...others])).toEqual(times(3, { ok: true }));
    expect(stale(["9", "200", "500"])).toEqual([]);
    // Who is among the 200 waits for those.
    expect(calls).toHaveLength(9);
    expect(calls.map(({ path }) => path)).toContain("/restapi/v1.0/account/~/extension/500/presence");
  });

  test("keeps what was read when something fails, and tells those alone who wanted that", async () => {
    const { refresh, clock, stale } = setUp((call) =>
      call.path.includes("/31,") ? { status: 503, body: "" } : answer(call),
    );
    const both = refresh.refresh(ids(1, 40), clock.now(), callOptions());
    const lucky = refresh.refresh(["1", "2"], clock.now(), callOptions());
    expect(await both).toMatchObject({ ok: false, failure: { reason: "UPSTREAM_UNAVAILABLE" } });
    expect(await lucky).toEqual({ ok: true });
    expect(stale(ids(1, 40))).toEqual(ids(31, 40));
  });

  test("keeps the rows of an answer that lacks one, and fails", async () => {
    const { refresh, clock, stale } = setUp(() => ({
      status: 207,
      body: [{ resourceId: "1", status: 200, body: body("1") }],
    }));
    expect(await refresh.refresh(["1", "2"], clock.now(), callOptions())).toMatchObject({
      ok: false,
      failure: { reason: "UPSTREAM_BAD_RESPONSE" },
    });
    expect(stale(["1", "2"])).toEqual(["2"]);
  });

  test("lets who has no more time leave, and goes on until nobody waits", async () => {
    const { reply, release } = held();
    let given: CallOptions | undefined;
    const { refresh, clock, stale } = setUp((call, options) => {
      given = options;
      return reply(call);
    });
    const [hasty, patient] = [new AbortController(), new AbortController()];
    const first = refresh.refresh(["1"], clock.now(), callOptions({ timeUp: hasty.signal, deadline: () => 5 }));
    const second = refresh.refresh(["1"], clock.now(), callOptions({ timeUp: patient.signal, deadline: () => 9 }));
    await settle();
    expect(given?.deadline()).toBe(9);
    hasty.abort();
    expect(await first).toMatchObject({ ok: false, failure: { reason: "UPSTREAM_TIMEOUT" }, until: clock.now() });
    expect(given?.timeUp.aborted).toBe(false);
    patient.abort();
    expect(await second).toMatchObject({ ok: false, failure: { reason: "UPSTREAM_TIMEOUT" } });
    expect(given?.timeUp.aborted).toBe(true);
    release();
    await settle();
    expect(stale(["1"])).toEqual([]);
  });

  test("answers at once when there is no time at all", async () => {
    const { refresh, clock } = setUp();
    const timeUp = AbortSignal.abort();
    expect(await refresh.refresh(["1"], clock.now(), callOptions({ timeUp }))).toMatchObject({
      failure: { reason: "UPSTREAM_TIMEOUT" },
    });
  });

  test("comes first as soon as a Check waits for it", async () => {
    const { reply, release } = held();
    const turns: CallOptions["turn"][] = [];
    const { refresh, clock } = setUp((call, { turn }) => {
      turns.push(turn);
      return reply(call);
    });
    const scheduled = callOptions({ purpose: "reconcile" });
    const work = [refresh.refresh(["1", "2"], clock.now(), scheduled)];
    await settle();
    expect(turns[0]?.purpose).toBe("reconcile");
    expect(turns[0]).not.toBe(scheduled.turn);
    work.push(refresh.refresh(["2"], clock.now(), callOptions({ purpose: "check" })));
    expect(turns[0]?.forCheck).toBe(true);
    // A Check that joins the read to which the refresh belongs.
    const watched = callOptions({ purpose: "watched" });
    work.push(refresh.refresh(["3"], clock.now(), watched));
    await settle();
    expect(turns[1]?.forCheck).toBe(false);
    watched.turn.raise();
    expect(turns[1]?.forCheck).toBe(true);
    release();
    await Promise.all(work);
  });

  test("shows its calls to all who wait, linked to all of them", async () => {
    const { reply, release } = held();
    let given: CallOptions | undefined;
    const { refresh, clock } = setUp((call, options) => {
      given = options;
      return reply(call);
    });
    const link = (spanId: string) => ({ traceId: "t", spanId, traceFlags: 1 });
    const attempts: string[] = [];
    const asker = (name: string) => callOptions({ links: [link(name)], onAttempt: () => attempts.push(name) });
    const work = [refresh.refresh(["1"], clock.now(), asker("a")), refresh.refresh(["1"], clock.now(), asker("b"))];
    await settle();
    expect(given?.links?.map(({ spanId }) => spanId)).toEqual(["a", "b"]);
    const later: string[] = [];
    given?.onLink?.(({ spanId }) => later.push(spanId));
    work.push(refresh.refresh(["1"], clock.now(), asker("c")));
    expect(later).toEqual(["c"]);
    given?.onAttempt?.({} as never);
    expect(attempts).toEqual(["a", "b", "c"]);
    release();
    await Promise.all(work);
  });

  /** Answers as a limit of 1,000 has it of which each call takes so much, and the light calls as "extensions units". */
  function counting(costOf: (extensions: number) => number) {
    let left = 1_000;
    let counted = 1_000;
    const light: string[] = [];
    const made = setUp(
      (call) => {
        if (call.group === "heavy") return answer(call);
        const extensions = call.path.split(",").length;
        light.push(`${extensions} ${call.units}`);
        left -= costOf(extensions);
        counted -= call.units ?? 1;
        const limits = { group: "light", limit: "1000", remaining: `${left}`, window: "60" };
        const headers = Object.entries(limits).map(([name, value]) => [`x-rate-limit-${name}`, value]);
        return { ...answer(call), headers: Object.fromEntries(headers) };
      },
      {
        budget: (group) => (group === "light" ? { limit: 50, left: counted } : { limit: 10, left: 9 }),
      },
    );
    return { ...made, light };
  }

  test("finds out with small calls that each extension counts, and reads the account instead", async () => {
    const { refresh, calls, light, clock, stale } = counting((extensions) => extensions);
    await refresh.refresh(ids(1, 20), clock.now(), callOptions());
    expect(light).toEqual(["5 5", "5 5", "5 5", "5 5"]);
    expect(stale(ids(1, 20))).toEqual([]);
    await clock.advance(1_000);
    await refresh.refresh(ids(1, 20), clock.now(), callOptions());
    expect(calls.slice(4).map(({ group }) => group)).toEqual(["heavy", "heavy"]);
  });

  test("finds out for all who ask, one call after the other, that several are one call", async () => {
    const { refresh, light, clock, stale } = counting(() => 1);
    const first = refresh.refresh(ids(1, 15), clock.now(), callOptions());
    await Promise.resolve();
    const second = refresh.refresh(ids(16, 50), clock.now(), callOptions());
    expect(await Promise.all([first, second])).toEqual(times(2, { ok: true }));
    expect(light.slice(0, 3)).toEqual(["5 5", "5 5", "5 5"]);
    expect(light.slice(3).every((call) => call.endsWith(" 1"))).toBe(true);
    expect(stale(ids(1, 50))).toEqual([]);
    await clock.advance(1_000);
    await refresh.refresh(ids(1, 30), clock.now(), callOptions());
    expect(light.at(-1)).toBe("30 1");
  });

  test("counts a call as one, and finds nothing out, where nothing says what is left", async () => {
    const { refresh, calls, clock } = setUp(undefined, { budget: () => ({ limit: undefined, left: undefined }) });
    await refresh.refresh(ids(1, 20), clock.now(), callOptions());
    expect(calls).toMatchObject([{ units: 1 }]);
  });
});
