import { afterAll, describe, expect, test } from "vitest";
import { createExplainer } from "../acceptance/explain.ts";
import { settle, TestClock } from "../lib/test-clock.ts";
import { agents, TIMINGS, unknownAgent } from "../presence/test-reader.ts";
import type { Answer } from "./answer.ts";
import type { CheckQuery } from "./check.ts";
import { createCheck } from "./check.ts";
import type { Explanation } from "./explain.ts";
import { createExplainedCheck } from "./explained-check.ts";
import { startWorld } from "./test-world.ts";

const explainer = createExplainer({ clock: new TestClock() });
afterAll(() => explainer.close());

/** A destination "a" and the Checks of it that are to be explained. */
function start(configured: Parameters<ReturnType<typeof startWorld>["configure"]>[1] = {}) {
  const world = startWorld();
  world.configure("a", configured);
  const { clock, board } = world;
  const check = createCheck({ clock, board, link: () => undefined, history: { checked() {} } });
  const explained = createExplainedCheck({ check, board, clock, explainer });
  return {
    ...world,
    /** Asks; what came of it is there once it is known. */
    ask(query: Partial<CheckQuery> = {}): { answer?: Answer; explanation?: Explanation } {
      const asked = {};
      const all = { destinationId: "a", maxAgeMs: undefined, maxWaitMs: undefined, ...query };
      const caller = { timeoutMs: () => undefined, signal: new AbortController().signal };
      void explained(all, caller).then((outcome) => Object.assign(asked, outcome));
      return asked;
    },
  };
}

/** The explainer works in turns of its own. */
async function known(asked: { explanation?: Explanation }): Promise<void> {
  for (let turn = 0; turn < 100 && !asked.explanation; turn++) await settle();
}

describe("createExplainedCheck()", () => {
  test("explains an answer that was waited for by the read behind it, and the same from memory later", async () => {
    const { clock, reader, ask, state } = start();
    const live = ask();
    await clock.advance(300);
    reader.last.answer(agents(2, 1));
    await known(live);
    expect(live.answer).toMatchObject({ source: "LIVE", reason: "CRITERIA_MET", measured: 2 });
    expect(live.explanation).toMatchObject({
      status: 200,
      responseBody: agents(2, 1).raw,
      sentence: "2 of 3 agents match; more than 0 are needed: accepted",
      hint: "",
      acceptance: { evaluation: { reason: "CRITERIA_MET", measured: 2 }, records: { length: 3 } },
      timings: { ...TIMINGS, waitMs: 300, evaluateMs: 0 },
    });
    await clock.advance(1_000);
    const cached = ask();
    await known(cached);
    expect(cached.answer).toBe(state("a"));
    expect(cached.answer?.source).toBe("CACHE");
    const { waitMs: _, ...timings } = live.explanation!.timings;
    expect(cached.explanation).toEqual({ ...live.explanation, timings });
  });

  test("shows a failure's answer, and the last known verdict's presence, when the read failed", async () => {
    const { clock, reader, ask } = start();
    ask();
    reader.last.answer(agents(1));
    await clock.advance(1_000);
    const asked = ask({ maxAgeMs: 0 });
    reader.last.fail("UPSTREAM_UNAVAILABLE", { body: "<busy>" });
    await known(asked);
    expect(asked.answer).toMatchObject({ reason: "UPSTREAM_UNAVAILABLE", source: "LAST_KNOWN", accepted: true });
    expect(asked.explanation).toMatchObject({ status: 503, responseBody: "<busy>", acceptance: { records: [{}] } });
    expect(asked.explanation?.sentence).toMatch(/; the last known verdict is used$/);
    expect(asked.explanation?.timings).not.toHaveProperty("waitMs");
    // Checked while the last snapshot is young enough, it is the snapshot's answer that counts.
    const young = ask();
    await known(young);
    expect(young).toMatchObject({ answer: { reason: "CRITERIA_MET" }, explanation: { status: 200 } });
  });

  test("has no status and no body when a failure came without an answer", async () => {
    const { reader, ask } = start({ failure: { onUndecided: "REJECT", lastKnownLimitMs: 30_000 } });
    const asked = ask();
    reader.last.fail("UPSTREAM_TIMEOUT");
    await known(asked);
    expect(asked.explanation).toMatchObject({ status: 0, responseBody: "", acceptance: undefined });
    expect(asked.explanation?.request?.url).toContain("/call-queues/1/");
    expect(asked.explanation?.sentence).toBe(asked.answer?.message);
  });

  test("explains a presence that is unknown by its records", async () => {
    const { reader, ask } = start();
    const asked = ask();
    reader.last.answer(unknownAgent());
    await known(asked);
    expect(asked.answer).toMatchObject({ reason: "PRESENCE_UNKNOWN", source: "LIVE" });
    expect(asked.explanation?.acceptance?.records).toMatchObject([{ open: true, matched: false }]);
    expect(asked.explanation?.hint).toMatch(/CallQueuePresence/);
  });

  test("explains the last known verdict by its own presence, beside the newest body, when presence became unknown", async () => {
    const { clock, reader, ask } = start();
    ask();
    reader.last.answer(agents(2));
    await clock.advance(1_000);
    ask({ maxAgeMs: 0 });
    reader.last.answer(unknownAgent());
    await clock.advance(0);
    const asked = ask();
    await known(asked);
    expect(asked.answer).toMatchObject({ reason: "PRESENCE_UNKNOWN", source: "LAST_KNOWN", measured: 2 });
    expect(asked.explanation?.acceptance).toMatchObject({ evaluation: { measured: 2 }, records: { length: 2 } });
    expect(asked.explanation?.responseBody).toBe(unknownAgent().raw);
    expect(asked.explanation?.sentence).toBe(`${asked.answer?.message}; the last known verdict is used`);
  });

  test.each([
    ["disabled", { disabled: true }, "DESTINATION_DISABLED", true],
    ["invalid", { invalid: "The pattern is broken" }, "DESTINATION_INVALID", false],
  ] as const)("asks nothing and says what to do when the destination is %s", async (_, given, reason, asks) => {
    const { reader, ask, state } = start(given);
    const asked = ask({ maxAgeMs: 0 });
    await known(asked);
    expect(asked.answer).toBe(state("a"));
    expect(asked.answer?.reason).toBe(reason);
    expect(asked.explanation).toMatchObject({ status: 0, responseBody: "", timings: {}, acceptance: undefined });
    expect(asked.explanation?.hint).toMatch(/Configure the destination/);
    expect(asked.explanation?.request !== undefined).toBe(asks);
    expect(reader.count).toBe(0);
  });

  test("explains an answer out of time without calling its presence the answer's", async () => {
    const { ask } = start();
    const asked = ask({ maxWaitMs: 0 });
    await known(asked);
    expect(asked.answer).toMatchObject({ reason: "NOT_IN_TIME", version: 0n });
    expect(asked.explanation).toMatchObject({ status: 0, acceptance: undefined });
    expect(asked.explanation?.hint).toMatch(/max_wait/);
  });

  test("gives the answer when the destination is deleted meanwhile", async () => {
    const { clock, reader, ask, remove } = start();
    ask();
    reader.last.answer(agents(1));
    await clock.advance(0);
    const asked = ask();
    remove("a");
    await known(asked);
    expect(asked).toMatchObject({ answer: { reason: "CRITERIA_MET" }, explanation: { request: undefined, status: 0 } });
  });
});
