import { Code } from "@connectrpc/connect";
import { describe, expect, test } from "vitest";
import type { Caller, Check, CheckQuery } from "../../availability/check.ts";
import type { Explanation } from "../../availability/explain.ts";
import { ServiceError } from "../../lib/errors.ts";
import { checkResponse } from "../convert-availability.ts";
import { explanationMessage } from "../convert-explanation.ts";
import { ANSWER, clientsOf } from "./test-client.ts";

/** A Check that knows some ids, at once or later, and remembers what it was asked. */
function fakeCheck() {
  const asked: CheckQuery[] = [];
  const callers: Caller[] = [];
  const check: Check = (query, caller) => {
    asked.push(query);
    callers.push(caller);
    const { destinationId } = query;
    if (destinationId === "none")
      throw new ServiceError("NOT_FOUND", `Cannot check destination "none": it does not exist`);
    if (destinationId === "broken") throw new TypeError("secret detail");
    if (destinationId === "left")
      return Promise.reject(new ServiceError("CANCELLED", "Cannot answer the check: the caller left"));
    const answer = { ...ANSWER, destinationId };
    return destinationId === "late" ? Promise.resolve(answer) : answer;
  };
  return { asked, callers, ...clientsOf({ check }).availability };
}

describe("check()", () => {
  test.each(["sales", "late"])("answers with the whole availability when %s is asked", async (destinationId) => {
    const { check } = fakeCheck();
    expect(await check({ destinationId })).toEqual(checkResponse({ ...ANSWER, destinationId }));
  });

  test("asks in milliseconds, and with nothing where nothing is set", async () => {
    const { check, asked } = fakeCheck();
    await check({ destinationId: "sales" });
    await check({ destinationId: "sales", maxAge: { seconds: 0n }, maxWait: { seconds: 1n, nanos: 500_000 } });
    expect(asked).toEqual([
      { destinationId: "sales", maxAgeMs: undefined, maxWaitMs: undefined },
      { destinationId: "sales", maxAgeMs: 0, maxWaitMs: 1000.5 },
    ]);
  });

  test("hands on the caller's deadline", async () => {
    const { check, callers } = fakeCheck();
    await check({ destinationId: "sales" });
    await check({ destinationId: "sales" }, { timeoutMs: 60_000 });
    expect(callers[0]?.timeoutMs()).toBeUndefined();
    expect(callers[1]?.timeoutMs()).toBeLessThanOrEqual(60_000);
  });

  test("answers with an explanation when one is asked for, and with none when not", async () => {
    const asked: CheckQuery[] = [];
    const explanation: Explanation = {
      ...{ request: undefined, curl: "", status: 503, timings: { waitMs: 1.5 }, acceptance: undefined },
      ...{ responseBody: "busy", truncated: false, sentence: "Cannot read", hint: "Wait" },
    };
    const { availability } = clientsOf({
      check: () => ANSWER,
      explainedCheck: async (query) => {
        asked.push(query);
        return { answer: ANSWER, explanation };
      },
    });
    const answer = await availability.check({ destinationId: "sales", maxAge: { seconds: 1n }, explain: true });
    expect(answer).toEqual({ ...checkResponse(ANSWER), explanation: explanationMessage(explanation) });
    expect(answer.explanation).toMatchObject({ status: 503, timings: { wait: { nanos: 1_500_000 } }, records: [] });
    expect(answer.explanation?.timings?.evaluate).toBeUndefined();
    expect(asked).toEqual([{ destinationId: "sales", maxAgeMs: 1000, maxWaitMs: undefined }]);
    expect((await availability.check({ destinationId: "sales" })).explanation).toBeUndefined();
  });

  test("fails when there is no such destination, or the request breaks a rule", async () => {
    const { check, asked } = fakeCheck();
    await expect(check({ destinationId: "none" })).rejects.toMatchObject({ code: Code.NotFound });
    await expect(check({ destinationId: "sales", maxAge: { seconds: -1n } })).rejects.toMatchObject({
      code: Code.InvalidArgument,
    });
    expect(asked).toHaveLength(1);
  });
});

describe("batchCheck()", () => {
  test("answers each check in its place, what is wrong with one being its own error", async () => {
    const { batchCheck, asked } = fakeCheck();
    const ids = ["late", "none", "a b", "sales", "broken", "sales"];
    const { results } = await batchCheck({ checks: ids.map((destinationId) => ({ destinationId })) });
    expect(results.map(({ outcome }) => outcome.case)).toEqual([
      "response",
      "error",
      "error",
      "response",
      "error",
      "response",
    ]);
    expect(results[0]?.outcome.value).toEqual(checkResponse({ ...ANSWER, destinationId: "late" }));
    expect(results[1]?.outcome.value).toMatchObject({
      code: Code.NotFound,
      message: 'Cannot check destination "none": it does not exist',
      violations: [],
    });
    expect(results[2]?.outcome.value).toMatchObject({
      code: Code.InvalidArgument,
      violations: [{ field: "checks[2].destination_id", reason: "INVALID_FORMAT" }],
    });
    expect(results[4]?.outcome.value).toMatchObject({ code: Code.Internal, message: "internal error", violations: [] });
    expect(asked.map(({ destinationId }) => destinationId)).not.toContain("a b");
  });

  test("says every violation of an item, with what was given and what is expected", async () => {
    const { batchCheck } = fakeCheck();
    const { results } = await batchCheck({ checks: [{ maxAge: { seconds: -1n }, explain: true }] });
    const { outcome } = results[0]!;
    expect(
      outcome.case === "error" && outcome.value.violations.map((v) => `${v.field} ${v.reason}: ${v.description}`),
    ).toEqual([
      "checks[0].destination_id REQUIRED: is empty, expected ^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$",
      "checks[0].max_age OUT_OF_RANGE: is -1 s, expected 0 s or more",
      "checks[0].explain UNSUPPORTED: is set, not available yet, expected Check, for one destination at a time",
    ]);
  });

  test("answers nothing to nothing, takes 500 and refuses 501", async () => {
    const { batchCheck } = fakeCheck();
    const checks = (length: number) => Array.from({ length }, () => ({ destinationId: "sales" }));
    expect((await batchCheck({})).results).toEqual([]);
    expect((await batchCheck({ checks: checks(500) })).results).toHaveLength(500);
    await expect(batchCheck({ checks: checks(501) })).rejects.toMatchObject({ code: Code.InvalidArgument });
  });

  test("fails as a whole when the caller left", async () => {
    const { batchCheck } = fakeCheck();
    const call = batchCheck({ checks: [{ destinationId: "sales" }, { destinationId: "left" }] });
    await expect(call).rejects.toMatchObject({ code: Code.Canceled });
  });
});
