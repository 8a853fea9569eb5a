import { afterAll, describe, expect, test } from "vitest";
import { createEvaluator } from "../acceptance/evaluate.ts";
import { createExplainer } from "../acceptance/explain.ts";
import type { DestinationEntry } from "../destinations/registry.ts";
import { settle, TestClock } from "../lib/test-clock.ts";
import { agents, TIMINGS, unknownAgent } from "../presence/test-reader.ts";
import type { Answer } from "./answer.ts";
import type { Explanation } from "./explain.ts";
import { type Configured, startWorld } from "./test-world.ts";
import { createTestDestination } from "./try-destination.ts";

const SECOND = 1_000;
const explainer = createExplainer({ clock: new TestClock() });
afterAll(() => explainer.close());

/** A destination "a" that is watched, and tests of it. */
async function start(configured: Partial<Configured> = {}) {
  const world = startWorld();
  const { clock, presence, question } = world;
  const entry = world.configure("a", configured);
  const watch = world.watching();
  await clock.advance(0);
  const { evaluate } = createEvaluator({ clock });
  const run = createTestDestination({ clock, explainer, evaluate, link: () => undefined, presence, question });
  return {
    ...world,
    entry,
    watch,
    /** Tests it; what came of it is there once it is known. */
    test(of: DestinationEntry = entry, timeoutMs?: number): { answer?: Answer; explanation?: Explanation } {
      const tested = {};
      void run(of, { timeoutMs: () => timeoutMs }).then((outcome) => Object.assign(tested, outcome));
      return tested;
    },
  };
}

/** The explainer works in turns of its own. */
async function known(tested: { explanation?: Explanation }): Promise<void> {
  for (let turn = 0; turn < 100 && !tested.explanation; turn++) await settle();
}

describe("createTestDestination()", () => {
  test("answers LIVE with version 0 and explains the answer by the read it made", async () => {
    const { clock, reader, test: run } = await start();
    reader.last.answer(agents(1));
    await clock.advance(SECOND);
    const tested = run();
    expect(reader.count).toBe(2);
    await clock.advance(300);
    reader.last.answer(agents(2, 1));
    await known(tested);
    const observedAt = clock.now() - 300;
    expect(tested.answer).toMatchObject({
      destinationId: "a",
      accepted: true,
      verdict: "ACCEPTED",
      reason: "CRITERIA_MET",
      measured: 2,
      source: "LIVE",
      observedAt,
      validUntil: observedAt + 10 * SECOND,
      destinationRevision: 1n,
      version: 0n,
    });
    expect(tested.explanation).toMatchObject({
      status: 200,
      responseBody: agents(2, 1).raw,
      timings: { ...TIMINGS, evaluateMs: 0 },
      acceptance: { evaluation: { measured: 2 } },
    });
    expect(tested.explanation?.timings).not.toHaveProperty("waitMs");
  });

  test("changes nothing that anybody else sees, whatever comes of it", async () => {
    const { clock, reader, state, standing, watch, test: run } = await start();
    reader.last.answer(agents(1));
    await clock.advance(SECOND);
    const before = { ...state("a") };
    const newest = standing("a").reads?.newest;
    const events = watch.events.length;
    for (const came of ["other presence", "unknown presence", "a failure"]) {
      const tested = run();
      if (came === "a failure") reader.last.fail("UPSTREAM_NOT_FOUND");
      else reader.last.answer(came === "other presence" ? agents(0, 3) : unknownAgent());
      await known(tested);
      expect(tested.answer?.accepted, came).toBe(false);
      expect(tested.answer?.source).toBe(came === "a failure" ? "NONE" : "LIVE");
      expect(state("a")).toEqual(before);
      expect(standing("a").reads).toMatchObject({ newest, trouble: undefined });
    }
    expect(watch.events).toHaveLength(events);
    // The watched reads go on as if nobody had tested.
    expect(standing("a").reads?.nextAt).toBe(before.observedAt! + 8 * SECOND);
  });

  test("answers before its caller leaves when that is sooner", async () => {
    const { clock, reader, test: run } = await start({ disabled: true });
    const tested = run(undefined, 300);
    await clock.advance(270);
    await known(tested);
    expect(tested.answer?.reason).toBe("UPSTREAM_TIMEOUT");
    expect(reader.count).toBe(1);
  });

  test("has no last known verdict and proves nothing, for it stands for itself", async () => {
    const {
      reader,
      proven,
      test: run,
    } = await start({
      failure: { onUndecided: "ACCEPT", lastKnownLimitMs: 30 * SECOND },
    });
    const tested = run();
    reader.last.answer(agents(1));
    await known(tested);
    expect(tested.answer?.reason).toBe("CRITERIA_MET");
    expect(proven.size).toBe(0);
    const failing = run();
    reader.last.fail("UPSTREAM_UNAVAILABLE");
    await known(failing);
    expect(failing.answer).toMatchObject({ accepted: false, source: "NONE", retryAt: undefined, version: 0n });
  });

  test("says when to ask again only when a penalty is in force", async () => {
    const { clock, reader, test: run } = await start();
    const tested = run();
    reader.last.fail("UPSTREAM_RATE_LIMITED", { retryAfterMs: 30 * SECOND });
    await known(tested);
    const retryAt = clock.now() + 30 * SECOND;
    expect(tested.answer).toMatchObject({ reason: "UPSTREAM_RATE_LIMITED", retryAt });
    const { count } = reader;
    const again = run();
    await known(again);
    expect(again.answer).toMatchObject({ reason: "UPSTREAM_RATE_LIMITED", retryAt, source: "NONE" });
    expect(again.explanation).toMatchObject({ status: 0, responseBody: "", timings: {} });
    expect(reader.count).toBe(count);
  });

  test("opens no back-off, and its calls are listed with the destination's", async () => {
    const { clock, reader, standing, test: run } = await start();
    reader.last.answer(agents(1));
    await clock.advance(0);
    for (const reason of ["UPSTREAM_UNAUTHENTICATED", "UPSTREAM_NOT_FOUND", "UPSTREAM_UNAVAILABLE"] as const) {
      const tested = run();
      reader.last.options.onAttempt?.({ attempt: 1, reason } as never);
      reader.last.fail(reason);
      await known(tested);
      expect(tested.answer).toMatchObject({ reason, verdict: "UNDECIDED" });
      const { reads, calls } = standing("a");
      expect(reads?.blocked).toBeUndefined();
      expect(calls.page({ size: 1 }).calls).toMatchObject([{ reason }]);
    }
  });

  test.each([
    ["disabled", { disabled: true }, false],
    ["closed", { schedule: { timeZone: "UTC", openingAt: () => ({ open: false, until: undefined }) } }, false],
    ["overridden", {}, true],
  ] as const)("asks all the same when the destination is %s", async (_, given, overridden) => {
    const { clock, reader, override, state, test: run } = await start(given);
    if (overridden) {
      const now = clock.now();
      override("a", { accepted: false, expiresAt: now + 60 * SECOND, note: "", setBy: "", setAt: now });
    }
    const before = state("a");
    expect(before.source).toBe("NONE");
    const { count } = reader;
    const tested = run();
    expect(reader.count).toBe(count + 1);
    reader.last.answer(agents(1));
    await known(tested);
    expect(tested.answer).toMatchObject({ reason: "CRITERIA_MET", accepted: true, version: 0n });
    expect(state("a")).toBe(before);
  });

  test("asks nothing when the destination does not compile, and says why", async () => {
    const { reader, test: run } = await start({ invalid: "The pattern is broken" });
    const tested = run();
    await known(tested);
    expect(tested.answer).toMatchObject({
      reason: "DESTINATION_INVALID",
      message: "The pattern is broken",
      version: 0n,
    });
    expect(tested.explanation).toMatchObject({ request: undefined, curl: "", status: 0 });
    expect(reader.count).toBe(0);
  });

  test("ends when the destination's own timeout runs out", async () => {
    const { clock, test: run } = await start({ timeoutMs: 500, disabled: true });
    const tested = run();
    await clock.advance(500);
    await known(tested);
    expect(tested.answer?.reason).toBe("UPSTREAM_TIMEOUT");
  });

  test("asks about one that is not saved, and leaves nothing of it", async () => {
    const { clock, reader, entry, board, test: run } = await start({ disabled: true });
    const unsaved = { ...entry, id: "", revision: 0n, templateRevision: 0n };
    const tested = run(unsaved);
    reader.last.answer(agents(1));
    await known(tested);
    expect(tested.answer).toMatchObject({ destinationId: "", destinationRevision: 0n, reason: "CRITERIA_MET" });
    expect([...board.all()]).toHaveLength(1);
    expect(clock.pending).toBe(2); // the watcher's heartbeat, and the moment push is told what to carry
  });
});
