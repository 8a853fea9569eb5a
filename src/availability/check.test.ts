import { getEventListeners } from "node:events";
import { describe, expect, test } from "vitest";
import type { Evaluation } from "../acceptance/evaluate.ts";
import { createEvaluator } from "../acceptance/evaluate.ts";
import { ServiceError } from "../lib/errors.ts";
import { agents, light, unknownAgent } from "../presence/test-reader.ts";
import { atLeast, type Configured, startWorld } from "./test-world.ts";

const SECOND = 1_000;
const REJECT = { onUndecided: "REJECT", lastKnownLimitMs: 30_000 } as const;
const none = { accepted: false, source: "NONE", observedAt: undefined, validUntil: undefined };
const error = (code: string) => expect.objectContaining({ name: "ServiceError", code });

/** A destination "a", read `age` ms ago as two agents who accept. */
async function read(age: number, given: Partial<Configured> = {}) {
  const world = startWorld();
  world.configure("a", { failure: REJECT, ...given });
  world.check("a", { maxWaitMs: 1 });
  world.reader.last.answer(agents(2));
  await world.clock.advance(0);
  // Nobody asks: no scheduled read is to come in between.
  await world.clock.advance(age);
  return world;
}

describe("check() from memory", () => {
  test("answers CACHE without waiting when what is known is young enough", async () => {
    const { start, check, state } = await read(7_999);
    const { answer } = check("a");
    expect(answer).toMatchObject({ accepted: true, reason: "CRITERIA_MET", source: "CACHE", measured: 2 });
    expect(answer).toMatchObject({ observedAt: start, validUntil: start + 10 * SECOND, version: state("a").version });
  });

  test("gives all the same object, so that it is encoded once", async () => {
    const { check, state } = await read(SECOND);
    expect(check("a").answer).toBe(check("a").answer);
    expect(check("a").answer).toBe(state("a"));
  });

  test("goes by the request's max_age, and keeps valid_until by the destination's", async () => {
    const { start, reader, check } = await read(5 * SECOND);
    expect(check("a", { maxAgeMs: 5 * SECOND }).answer).toMatchObject({ source: "CACHE", validUntil: start + 10_000 });
    expect(check("a", { maxAgeMs: 4_999 }).answer).toBeUndefined();
    expect(reader.count).toBe(2);
  });

  test("goes by the destination's max_age when the request has none", async () => {
    const { check, configure } = await read(5 * SECOND);
    expect(check("a", { maxWaitMs: 0 }).answer?.reason).toBe("CRITERIA_MET");
    configure("a", { maxAgeMs: 4_999 });
    expect(check("a", { maxWaitMs: 0 }).answer?.reason).toBe("NOT_IN_TIME");
  });

  test("answers at once what needs no call, whatever max_age says", async () => {
    const { clock, reader, configure, check } = startWorld();
    configure("off", { disabled: true, invalid: "broken" });
    configure("bad", { invalid: "broken" });
    expect(check("off", { maxAgeMs: 0 }).answer).toMatchObject({ ...none, reason: "DESTINATION_DISABLED" });
    expect(check("bad", { maxAgeMs: 0 }).answer).toMatchObject({ ...none, reason: "DESTINATION_INVALID" });
    await clock.advance(60 * SECOND);
    expect(reader.count).toBe(0);
  });

  test("answers from a young snapshot when the newest read failed", async () => {
    const { clock, reader, check, state } = await read(SECOND);
    check("a", { maxAgeMs: 0 });
    reader.last.fail("UPSTREAM_UNAVAILABLE");
    await clock.advance(0);
    expect(state("a").reason).toBe("UPSTREAM_UNAVAILABLE");
    expect(check("a").answer).toMatchObject({ accepted: true, reason: "CRITERIA_MET", source: "CACHE" });
  });

  test("keeps the destination in demand for a minute", async () => {
    const { clock, start, reader, check } = await read(0);
    reader.always = (one) => one.answer(agents(2));
    check("a");
    await clock.advance(1_000 * SECOND);
    expect(reader.sentAfter(start)).toEqual([0, 8, 16, 24, 32, 40, 48, 56].map((seconds) => seconds * SECOND));
    expect(clock.pending).toBe(0);
  });

  test("rejects NOT_FOUND when there is no such destination", () => {
    expect(startWorld().check("a").error).toEqual(error("NOT_FOUND"));
  });
});

describe("check() that waits", () => {
  test("answers LIVE with the watched state's version when the read it waited for is answered", async () => {
    const { clock, start, reader, configure, check, state } = startWorld();
    configure("a");
    const one = check("a");
    await clock.advance(300);
    const other = check("a");
    reader.last.answer(agents(1));
    await clock.advance(0);
    expect(one.answer).toMatchObject({ accepted: true, source: "LIVE", observedAt: start, validUntil: start + 10_000 });
    expect(one.answer?.version).toBe(state("a").version);
    expect(one.answer).toBe(other.answer);
    expect(reader.count).toBe(1);
    expect(check("a").answer).toMatchObject({ source: "CACHE", version: one.answer?.version });
  });

  test("causes one read when 200 ask for what is too old", async () => {
    const { clock, reader, check } = await read(7_000);
    const asked = Array.from({ length: 200 }, () => check("a", { maxAgeMs: SECOND }));
    expect(reader.count).toBe(2);
    reader.last.answer(agents(0));
    await clock.advance(0);
    expect(new Set(asked.map(({ answer }) => answer)).size).toBe(1);
    expect(asked[0]?.answer).toMatchObject({ accepted: false, reason: "CRITERIA_NOT_MET", source: "LIVE" });
  });

  test("answers with max_age 0 from a read that was sent after it arrived", async () => {
    const { clock, reader, configure, check } = startWorld();
    configure("a");
    check("a");
    const strict = check("a", { maxAgeMs: 0 });
    reader.last.answer(agents(1));
    await clock.advance(0);
    expect(strict.answer).toBeUndefined();
    reader.last.answer(agents(3));
    await clock.advance(0);
    expect(strict.answer).toMatchObject({ measured: 3, source: "LIVE" });
  });

  test("judges by each destination's own criteria when destinations share a read", async () => {
    const { clock, reader, configure, check } = startWorld();
    configure("a", { criteria: atLeast(1) });
    configure("b", { criteria: atLeast(3) });
    configure("c", { criteria: atLeast(2), onlyExtensions: ["100"] });
    const asked = ["a", "b", "c"].map((id) => check(id));
    expect(reader.count).toBe(1);
    reader.last.answer(agents(2));
    await clock.advance(0);
    expect(asked.map(({ answer }) => [answer?.accepted, answer?.measured])).toEqual([
      [true, 2],
      [false, 2],
      [false, 1],
    ]);
  });

  test("answers what failed, with the policy applied and when to ask again, when the read fails", async () => {
    const { clock, reader, check, state } = await read(7_000, { failure: { ...REJECT, onUndecided: "LAST_KNOWN" } });
    const asked = check("a", { maxAgeMs: 0 });
    reader.last.fail("UPSTREAM_UNAVAILABLE");
    await clock.advance(0);
    const undecided = { verdict: "UNDECIDED", reason: "UPSTREAM_UNAVAILABLE", retryAt: clock.now() + 250 };
    expect(asked.answer).toMatchObject({ ...undecided, accepted: true, source: "LAST_KNOWN", measured: 2 });
    expect(asked.answer).toEqual(state("a"));
  });

  test("answers the same reason at once inside a back-off, also without waiting", async () => {
    const { clock, reader, configure, check, state } = startWorld();
    configure("a");
    check("a");
    reader.last.fail("UPSTREAM_NOT_FOUND");
    await clock.advance(SECOND);
    const retryAt = clock.now() + 9 * SECOND;
    const [waits, does] = [check("a"), check("a", { maxWaitMs: 0 })];
    await clock.advance(0);
    for (const { answer } of [waits, does]) {
      expect(answer).toMatchObject({ ...none, reason: "UPSTREAM_NOT_FOUND", retryAt, version: state("a").version });
    }
    expect(reader.count).toBe(1);
  });

  test("answers an undecided snapshot as read when presence is unknown", async () => {
    const { clock, reader, configure, check, start } = startWorld();
    configure("a");
    const asked = check("a");
    reader.last.answer(unknownAgent());
    await clock.advance(0);
    const unknown = { accepted: false, reason: "PRESENCE_UNKNOWN", source: "LIVE", observedAt: start };
    expect(asked.answer).toMatchObject({ ...unknown, retryAt: start + 8 * SECOND });
  });

  test("answers UPSTREAM_RATE_LIMITED at once when the budget allows no read in time, and sends nothing", async () => {
    const { clock, start, reader, configure, check } = startWorld();
    configure("a", { failure: REJECT });
    check("a");
    reader.last.answer(agents(1), light(1, 0));
    await clock.advance(SECOND);
    const asked = check("a", { maxAgeMs: 0 });
    await clock.advance(0);
    const limited = { ...none, reason: "UPSTREAM_RATE_LIMITED", retryAt: start + 60 * SECOND, version: 0n };
    expect(asked.answer).toMatchObject(limited);
    expect(reader.count).toBe(1);
  });

  test("answers UPSTREAM_RATE_LIMITED, not a timeout, when others took the call it waited for", async () => {
    const { clock, start, reader, configure, check } = startWorld();
    configure("a", { failure: REJECT, timeoutMs: 60 * SECOND });
    configure("b", { failure: REJECT, timeoutMs: 60 * SECOND, queueId: "2" });
    check("a");
    reader.last.answer(agents(1), light(1, 0, 10));
    await clock.advance(5 * SECOND);
    const loses = check("a", { maxAgeMs: 0, maxWaitMs: 7 * SECOND });
    check("b");
    await clock.advance(7 * SECOND);
    expect(loses.answer).toMatchObject({ reason: "UPSTREAM_RATE_LIMITED", retryAt: start + 20 * SECOND });
  });
});

describe("check() when time runs out", () => {
  test("answers NOT_IN_TIME from memory when max_wait is 0, whether or not anything was read", async () => {
    const fresh = startWorld();
    fresh.configure("a");
    expect(fresh.check("a", { maxWaitMs: 0 }).answer).toMatchObject({ ...none, reason: "NOT_IN_TIME", version: 0n });
    const { check } = await read(7_000);
    expect(check("a", { maxWaitMs: 0 }).answer).toMatchObject({ source: "CACHE" });
    expect(check("a", { maxWaitMs: 0, maxAgeMs: 0 }).answer).toMatchObject({
      ...none,
      reason: "NOT_IN_TIME",
      version: 0n,
    });
  });

  test("applies the policy to NOT_IN_TIME", async () => {
    const lastKnown = await read(7_000, { failure: { onUndecided: "LAST_KNOWN", lastKnownLimitMs: 7_000 } });
    const query = { maxWaitMs: 0, maxAgeMs: 0 };
    const known = { accepted: true, source: "LAST_KNOWN", observedAt: lastKnown.start, version: 0n };
    expect(lastKnown.check("a", query).answer).toMatchObject({ ...known, reason: "NOT_IN_TIME" });
    const accept = await read(7_000, { failure: { ...REJECT, onUndecided: "ACCEPT" } });
    expect(accept.check("a", query).answer).toMatchObject({ ...none, accepted: true, reason: "NOT_IN_TIME" });
  });

  test("answers NOT_IN_TIME at max_wait, and the read goes on for others", async () => {
    const { clock, reader, configure, check } = startWorld();
    configure("a");
    const hasty = check("a", { maxWaitMs: 200 });
    const patient = check("a");
    await clock.advance(199);
    expect(hasty.answer).toBeUndefined();
    await clock.advance(1);
    expect(hasty.answer).toMatchObject({ ...none, reason: "NOT_IN_TIME", version: 0n });
    expect(reader.last.options.timeUp.aborted).toBe(false);
    reader.last.answer(agents(1));
    await clock.advance(0);
    expect(patient.answer?.reason).toBe("CRITERIA_MET");
  });

  test("says when the next read comes when it answers NOT_IN_TIME", async () => {
    const { start, check } = await read(7_000);
    expect(check("a", { maxWaitMs: 0, maxAgeMs: 0 }).answer?.retryAt).toBe(start + 8 * SECOND);
  });

  test("answers UPSTREAM_TIMEOUT with the watched state when the destination's own timeout ran out", async () => {
    const { clock, start, configure, check, state } = startWorld();
    configure("a", { timeoutMs: 400 });
    const asked = check("a", { maxWaitMs: 5 * SECOND }, { left: 5 * SECOND });
    await clock.advance(399);
    expect(asked.answer).toBeUndefined();
    await clock.advance(1);
    expect(asked.answer).toMatchObject({ ...none, reason: "UPSTREAM_TIMEOUT", retryAt: start + 650 });
    expect(asked.answer).toEqual(state("a"));
  });

  test("answers UPSTREAM_TIMEOUT for its own timeout when the shared read has longer", async () => {
    const { clock, reader, configure, check, state } = startWorld();
    configure("long");
    configure("short", { timeoutMs: 400 });
    const long = check("long");
    const short = check("short");
    await clock.advance(410);
    expect(short.answer).toMatchObject({ ...none, reason: "UPSTREAM_TIMEOUT", version: 0n });
    expect(state("short").reason).toBe("NOT_OBSERVED_YET");
    reader.last.answer(agents(1));
    await clock.advance(0);
    expect(long.answer?.source).toBe("LIVE");
  });

  test.each([
    [40, 35], // at least 5 ms
    [200, 180], // 10 %
    [5 * SECOND, 4_950], // at most 50 ms
  ])("answers NOT_IN_TIME a margin before the caller's deadline when that is in %i ms", async (left, after) => {
    const { clock, configure, check } = startWorld();
    configure("a");
    const asked = check("a", {}, { left });
    await clock.advance(after - 1);
    expect(asked.answer).toBeUndefined();
    await clock.advance(1);
    expect(asked.answer).toMatchObject({ reason: "NOT_IN_TIME" });
  });

  test("answers before the caller's deadline when that comes right after the destination's timeout", async () => {
    const { clock, configure, check } = startWorld();
    configure("slow");
    configure("a", { timeoutMs: 50 });
    check("slow");
    const asked = check("a", {}, { left: 56 });
    await clock.advance(51);
    expect(asked.answer).toMatchObject({ reason: "UPSTREAM_TIMEOUT" });
  });

  test("answers from memory when less than the margin is left", () => {
    const { configure, check } = startWorld();
    configure("a");
    expect(check("a", {}, { left: 5 }).answer).toMatchObject({ reason: "NOT_IN_TIME" });
  });

  test("rejects DEADLINE_EXCEEDED when no time is left on arrival, also for what is known", async () => {
    const { check } = await read(SECOND);
    expect(check("a", {}, { left: 0 }).error).toEqual(error("DEADLINE_EXCEEDED"));
    expect(check("a", {}, { left: -3 }).error).toEqual(error("DEADLINE_EXCEEDED"));
  });

  test("detaches only the caller who leaves, and leaves no timer for him", async () => {
    const { clock, reader, configure, check } = startWorld();
    configure("a");
    const leaving = new AbortController();
    const one = check("a", {}, { signal: leaving.signal });
    const other = check("a");
    const timers = clock.pending;
    expect(getEventListeners(leaving.signal, "abort").length).toBe(1);
    leaving.abort();
    await clock.advance(0);
    expect(one.error).toEqual(error("CANCELLED"));
    expect(clock.pending).toBe(timers - 1);
    expect(reader.last.options.timeUp.aborted).toBe(false);
    reader.last.answer(agents(1));
    await clock.advance(0);
    expect(other.answer?.accepted).toBe(true);
  });

  test("rejects CANCELLED and reads nothing when the caller had left on arrival", async () => {
    const { reader, configure, check } = startWorld();
    configure("a");
    expect(check("a", {}, { signal: AbortSignal.abort() }).error).toEqual(error("CANCELLED"));
    expect(reader.count).toBe(0);
  });

  test("leaves nothing running, and no listener, when all is answered", async () => {
    const { clock, reader, configure, check, close } = startWorld();
    configure("a");
    const { signal } = new AbortController();
    for (const query of [{}, { maxWaitMs: 10 }, { maxAgeMs: 0 }]) check("a", query, { signal });
    for (let read = 0; read < 2; read++) {
      reader.last.answer(agents(1));
      await clock.advance(0);
    }
    expect(getEventListeners(signal, "abort")).toEqual([]);
    // The next read, the moment the state is too old, and the one at which push is told what to carry.
    expect(clock.pending).toBe(3);
    close();
    expect(clock.pending).toBe(0);
  });
});

describe("check() when the destination changes while it waits", () => {
  /** A Check of "a" that waits for its first read. */
  function waiting() {
    const world = startWorld();
    world.configure("a");
    return { ...world, asked: world.check("a") };
  }

  test("answers DESTINATION_DISABLED when it was disabled, whether or not the read succeeds", async () => {
    for (const succeeds of [true, false]) {
      const { clock, reader, configure, asked } = waiting();
      configure("a", { disabled: true });
      if (succeeds) reader.last.answer(agents(1));
      else reader.last.fail("UPSTREAM_TIMEOUT");
      await clock.advance(0);
      expect(asked.answer).toMatchObject({ ...none, verdict: "REJECTED", reason: "DESTINATION_DISABLED" });
    }
  });

  test("answers DESTINATION_DISABLED when it was disabled and its time ran out", async () => {
    const { clock, configure, check } = waiting();
    const hasty = check("a", { maxWaitMs: 100 });
    configure("a", { disabled: true });
    await clock.advance(100);
    expect(hasty.answer?.reason).toBe("DESTINATION_DISABLED");
  });

  test("asks the other queue when it was turned to another one", async () => {
    const { clock, reader, configure, asked } = waiting();
    configure("a", { queueId: "2" });
    reader.last.answer(agents(1));
    await clock.advance(0);
    expect(asked.answer).toBeUndefined();
    expect(reader.last.queueId).toBe("2");
    reader.last.answer(agents(0, 3));
    await clock.advance(0);
    expect(asked.answer).toMatchObject({ accepted: false, source: "LIVE", agents: { total: 3 } });
  });

  test("answers by the new criteria when only these changed", async () => {
    const { clock, reader, configure, asked } = waiting();
    configure("a", { criteria: atLeast(3) });
    reader.last.answer(agents(2));
    await clock.advance(0);
    expect(asked.answer).toMatchObject({ accepted: false, destinationRevision: 2n, source: "LIVE" });
  });

  test("rejects NOT_FOUND when it was deleted, after the read or when time runs out", async () => {
    const { clock, reader, remove, check, asked } = waiting();
    const hasty = check("a", { maxWaitMs: 100 });
    remove("a");
    await clock.advance(100);
    expect(hasty.error).toEqual(error("NOT_FOUND"));
    reader.last.answer(agents(2));
    await clock.advance(0);
    expect(asked.error).toBeInstanceOf(ServiceError);
    expect(asked.error).toEqual(error("NOT_FOUND"));
  });
});

describe("check() when the pattern is judged in the worker", () => {
  /** A world whose judgements a test finishes in order. */
  function slow() {
    const { evaluate } = createEvaluator();
    const jobs: (() => void)[] = [];
    const world = startWorld({
      evaluate: (...job) => new Promise<Evaluation>((resolve) => jobs.push(() => resolve(evaluate(...job)))),
    });
    world.configure("a", { failure: REJECT });
    return { ...world, finish: () => jobs.shift()?.() };
  }

  test("waits for the judgement of the read it waited for, and not for an older one", async () => {
    const { clock, reader, check, finish } = slow();
    const one = check("a");
    reader.last.answer(agents(1));
    await clock.advance(1);
    const strict = check("a", { maxAgeMs: 0 });
    reader.last.answer(agents(4));
    await clock.advance(0);
    expect([one.answer, strict.answer]).toEqual([undefined, undefined]);
    finish();
    await clock.advance(0);
    expect(one.answer).toMatchObject({ measured: 1, source: "LIVE" });
    expect(strict.answer).toBeUndefined();
    finish();
    await clock.advance(0);
    expect(strict.answer).toMatchObject({ measured: 4, source: "LIVE" });
  });

  test("waits for a young snapshot to be judged rather than reading again", async () => {
    const { clock, reader, check, finish } = slow();
    check("a", { maxWaitMs: 1 });
    reader.last.answer(agents(1));
    await clock.advance(SECOND);
    const later = check("a");
    finish();
    await clock.advance(0);
    expect(later.answer).toMatchObject({ measured: 1, source: "CACHE" });
    expect(reader.count).toBe(1);
  });

  test("answers NOT_IN_TIME, and blames nobody, when the judgement takes longer than the timeout", async () => {
    const { clock, reader, configure, check } = slow();
    configure("a", { timeoutMs: 50 });
    const asked = check("a");
    await clock.advance(40);
    reader.last.answer(agents(1));
    await clock.advance(20);
    expect(asked.answer).toMatchObject({ reason: "NOT_IN_TIME", version: 0n });
  });

  test("answers by the new criteria when these changed while it waited for the judgement", async () => {
    const { clock, reader, configure, check, finish } = slow();
    check("a", { maxWaitMs: 1 });
    reader.last.answer(agents(2));
    await clock.advance(SECOND);
    const asked = check("a");
    configure("a", { criteria: atLeast(3) });
    finish();
    await clock.advance(0);
    expect(asked.answer).toBeUndefined();
    finish();
    await clock.advance(0);
    expect(asked.answer).toMatchObject({ reason: "CRITERIA_NOT_MET", destinationRevision: 2n });
  });
});
