import { afterAll, describe, expect, test } from "vitest";
import { TestClock } from "../lib/test-clock.ts";
import type { AgentCountName, PresenceDetail } from "./agents.ts";
import {
  type Criteria,
  type CriteriaSpec,
  compileCriteria,
  defaultCriteria,
  type RegexCriterionSpec,
} from "./criteria.ts";
import { parseDocument } from "./document.ts";
import { createEvaluator } from "./evaluate.ts";
import { MAX_TEXT_BYTES } from "./gate.ts";

const evaluator = createEvaluator({ clock: new TestClock() });
afterAll(() => evaluator.close());

function compiled(
  criterion: CriteriaSpec["criterion"],
  rest: Partial<CriteriaSpec> = {},
  context: { onlyExtensions?: readonly string[]; detail?: PresenceDetail } = {},
): Criteria {
  const result = compileCriteria(
    { ...defaultCriteria, ...rest, criterion },
    { field: "acceptance", onlyExtensions: [], detail: "QUEUE", ...context },
  );
  if ("violations" in result) throw new Error(JSON.stringify(result.violations));
  return result.criteria;
}

const regex = (pattern: string, rest: Partial<RegexCriterionSpec> = {}): RegexCriterionSpec => ({
  kind: "regex",
  type: "COUNT",
  scope: "RECORDS",
  ...rest,
  pattern,
});
const agents = (count: AgentCountName) => ({ kind: "agents", count }) as const;

function evaluate(criteria: Criteria, records: readonly object[], rest: object = {}) {
  const parsed = parseDocument(JSON.stringify({ records, ...rest }, null, 1));
  if (!parsed.ok) throw new Error(parsed.problem);
  return evaluator.evaluate(criteria, parsed.document);
}

const on = { acceptQueueCalls: true, acceptCurrentQueueCalls: true };
const off = { acceptQueueCalls: true, acceptCurrentQueueCalls: false };
const silent = { acceptQueueCalls: true };
const flag = '"acceptCurrentQueueCalls": true';

describe("evaluate() says in one sentence", () => {
  test.each([
    [regex(flag), {}, [on], "1 record matches, needs more than 0"],
    [regex(flag), {}, [on, on, off], "2 records match, needs more than 0"],
    [regex(flag), { value: 2 }, [on, on, silent, silent], "2 to 4 matches, needs more than 2"],
    [regex(flag, { scope: "BODY" }), {}, [on, off], "1 match, needs more than 0"],
    [regex(flag, { type: "MATCH" }), {}, [silent, off], "0 to 1 matches, needs more than 0"],
    [regex(flag, { type: "MATCH" }), { condition: "EQUAL", value: 1 } as const, [on, on], "1 match, needs exactly 1"],
    [regex('"n": (\\d+)', { type: "CAPTURE", scope: "BODY" }), {}, [{ n: 7 }], "7 captured, needs more than 0"],
    [agents("AVAILABLE"), {}, [on, off], "1 agent available, needs more than 0"],
    [
      agents("DO_NOT_DISTURB"),
      { condition: "LESS_THAN", value: 1 } as const,
      [on],
      "0 agents on Do Not Disturb, needs less than 1",
    ],
  ])("%j %j", async (criterion, rest, records, message) => {
    expect((await evaluate(compiled(criterion, rest), records)).message).toBe(message);
  });
});

describe("evaluate() with open records", () => {
  test("is undecided when they could turn the verdict, and measures what is known", () => {
    expect(evaluate(compiled(regex(flag), { value: 1 }), [on, silent, off])).toEqual({
      verdict: "UNDECIDED",
      reason: "PRESENCE_UNKNOWN",
      message: "1 to 2 matches, needs more than 1",
      measured: 1,
      agents: { total: 3, available: 1, accepting: 1, doNotDisturb: 0, unknown: 1, optedOut: 1 },
    });
  });

  test("is decided when MATCH has found one already", () => {
    const match = compiled(regex(flag, { type: "MATCH" }));
    expect(evaluate(match, [silent, on])).toMatchObject({ verdict: "ACCEPTED", measured: 1 });
    expect(evaluate(match, [silent, off])).toMatchObject({ reason: "PRESENCE_UNKNOWN", measured: 0 });
    expect(evaluate(match, [off])).toMatchObject({ verdict: "REJECTED", measured: 0 });
  });

  test("counts only fields whose whole name stands in the pattern", () => {
    const open = { ...off };
    expect(evaluate(compiled(regex('"dndStatusPersonal": "x"')), [open])).toMatchObject({ verdict: "REJECTED" });
    expect(evaluate(compiled(regex('"dndStatus": "x"')), [open])).toMatchObject({ reason: "PRESENCE_UNKNOWN" });
    expect(evaluate(compiled(regex('(?i)"dndstatus": "x"')), [open])).toMatchObject({ reason: "PRESENCE_UNKNOWN" });
    expect(evaluate(compiled(regex('"dndStatus": "x"')), [{ dndStatus: null }])).toMatchObject({
      reason: "PRESENCE_UNKNOWN",
    });
  });

  test("has none in BODY", () => {
    expect(evaluate(compiled(regex(flag, { scope: "BODY" })), [silent])).toMatchObject({ reason: "CRITERIA_NOT_MET" });
  });

  test("judges agents by what is known of each", () => {
    const accepting = compiled(agents("ACCEPTING"), { value: 1 });
    expect(evaluate(accepting, [on, silent])).toMatchObject({
      reason: "PRESENCE_UNKNOWN",
      measured: 1,
      message: "1 to 2 agents accepting, needs more than 1",
    });
    expect(evaluate(accepting, [on, off])).toMatchObject({ reason: "CRITERIA_NOT_MET", measured: 1 });
    expect(evaluate(accepting, [on, on, silent])).toMatchObject({ reason: "CRITERIA_MET", measured: 2 });
    const onCall = compiled(agents("ON_CALL"), {}, { detail: "QUEUE_AND_EXTENSION" });
    expect(evaluate(onCall, [{ telephonyStatus: "Ringing" }, {}])).toMatchObject({
      reason: "CRITERIA_MET",
      measured: 1,
    });
  });
});

describe("evaluate() looks at", () => {
  const record = (extensionNumber: string, flags: object) => ({ member: { extensionNumber }, ...flags });

  test("the listed extensions alone, in every count and scope", () => {
    const records = [record("101", on), record("102", on), record("103", silent)];
    const context = { onlyExtensions: ["102"] };
    for (const criterion of [regex(flag), regex(flag, { scope: "BODY" }), agents("ACCEPTING")]) {
      const evaluation = evaluate(compiled(criterion, {}, context), records);
      expect(evaluation).toMatchObject({ measured: 1, agents: { total: 1, accepting: 1 } });
    }
    expect(evaluate(compiled(regex(flag), {}, { onlyExtensions: ["999"] }), records)).toMatchObject({
      verdict: "REJECTED",
      measured: 0,
      agents: { total: 0 },
    });
  });

  test("the text as received when the scope is RAW", () => {
    expect(evaluate(compiled(regex('\\{\\s+"x": 1\\s+\\}', { scope: "RAW" })), [{ x: 1 }, { x: 1 }])).toMatchObject({
      measured: 2,
    });
  });
});

describe("evaluate() CAPTURE", () => {
  const capture = compiled(regex('"n": "?([^",}]*)', { type: "CAPTURE", scope: "BODY" }), { value: -10 });

  test.each([
    [7, 7],
    [-1.5, -1.5],
    ["+3", 3],
    ["1e2", 100],
    ["3.", 3],
  ])("reads %j as a number", (written, measured) => {
    expect(evaluate(capture, [{ n: written }, { n: 99 }])).toMatchObject({ verdict: "ACCEPTED", measured });
  });

  test.each(["", "x", "0x10", "1 2", "Infinity", "1e999", "--1"])("fails when it captured %j", (written) => {
    const evaluation = evaluate(capture, [{ n: written }]);
    expect(evaluation).toMatchObject({
      verdict: "UNDECIDED",
      reason: "CRITERIA_FAILED",
      message: "what the pattern captured is not a number",
    });
    expect(evaluation).not.toHaveProperty("measured");
  });

  test("fails when nothing matched or the group took no part", () => {
    const nothing = { reason: "CRITERIA_FAILED", message: "the pattern captured nothing" };
    expect(evaluate(capture, [{ m: 1 }])).toMatchObject(nothing);
    const optional = compiled(regex('"n": (\\d+)|"m"', { type: "CAPTURE", scope: "BODY" }));
    expect(evaluate(optional, [{ m: 1, n: 2 }])).toMatchObject(nothing);
  });
});

test("evaluate() fails when a text searched as a whole is larger than 1 MB, and searches one that is not", async () => {
  const body = compiled(regex("zzz", { scope: "BODY" }));
  const tooLarge = { reason: "CRITERIA_FAILED", message: "the text is larger than 1 MB" };
  expect(evaluate(body, [{ x: "é".repeat(MAX_TEXT_BYTES / 2) }])).toMatchObject(tooLarge);
  expect(evaluate(compiled(regex("zzz", { scope: "RAW" })), [{ x: "a".repeat(MAX_TEXT_BYTES) }])).toMatchObject(
    tooLarge,
  );
  expect(await evaluate(body, [{ x: "a".repeat(MAX_TEXT_BYTES - 100) }])).toMatchObject({ reason: "CRITERIA_NOT_MET" });
  expect(evaluate(compiled(agents("TOTAL")), [{ x: "a".repeat(MAX_TEXT_BYTES) }])).toMatchObject({ measured: 1 });
});
