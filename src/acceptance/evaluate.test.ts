import { afterAll, describe, expect, test } from "vitest";
import { settle, TestClock } from "../lib/test-clock.ts";
import type { AgentCountName } from "./agents.ts";
import {
  type Criteria,
  type CriteriaContext,
  type CriteriaSpec,
  compileCriteria,
  defaultCriteria,
  type JsonPathType,
  type RegexCriterionSpec,
} from "./criteria.ts";
import { parseDocument } from "./document.ts";
import { createEvaluator } from "./evaluate.ts";
import { MAX_TEXT_BYTES } from "./gate.ts";
import { LONGEST_RUN_MS } from "./worker-client.ts";

const evaluator = createEvaluator({ clock: new TestClock() });
afterAll(() => evaluator.close());

function compiled(
  criterion: CriteriaSpec["criterion"],
  rest: Partial<CriteriaSpec> = {},
  context: Partial<CriteriaContext> = {},
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
const path = (type: JsonPathType, path: string) => ({ kind: "json_path", type, path }) as const;
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

describe("evaluate() of a path", () => {
  const rest = { waiting: 3, "1.50": null, open: true, shut: false, text: "7" };

  test.each([
    [path("COUNT", "$.records[?@.acceptCurrentQueueCalls == true]"), 2, "the path finds 2 nodes, needs more than -1"],
    [path("COUNT", "$.records[?@.n > 1.4]"), 1, "the path finds 1 node, needs more than -1"],
    [path("COUNT", "$.nope"), 0, "the path finds 0 nodes, needs more than -1"],
    [path("EXISTS", "$..acceptQueueCalls"), 1, "the path finds something, needs more than -1"],
    [path("EXISTS", "$.nope"), 0, "the path finds nothing, needs more than -1"],
    [path("NUMBER", "$.waiting"), 3, "the path gives 3, needs more than -1"],
    [path("NUMBER", "$.records[?@.n].n"), 1.5, "the path gives 1.5, needs more than -1"],
    [path("BOOLEAN", "$.open"), 1, "the path gives true, needs more than -1"],
    [path("BOOLEAN", "$.shut"), 0, "the path gives false, needs more than -1"],
  ])("%j measures %s", (criterion, measured, message) => {
    expect(evaluate(compiled(criterion, { value: -1 }), [on, on, { ...off, n: 1.5 }], rest)).toMatchObject({
      verdict: "ACCEPTED",
      measured,
      message,
    });
  });

  test.each([
    [path("NUMBER", "$.nope"), "the path finds nothing"],
    [path("NUMBER", "$.records[*].n"), "the path finds more than one node"],
    [path("NUMBER", "$.text"), "what the path finds is not a number"],
    [path("NUMBER", "$.open"), "what the path finds is not a number"],
    [path("NUMBER", "$.records[0]"), "what the path finds is not a number"],
    [path("BOOLEAN", "$.waiting"), "what the path finds is not true or false"],
    [path("BOOLEAN", "$['1.50']"), "what the path finds is not true or false"],
    [path("BOOLEAN", "$.nope"), "the path finds nothing"],
  ])("%j fails", (criterion, message) => {
    const evaluation = evaluate(compiled(criterion), [{ n: 1 }, { n: 2 }], rest);
    expect(evaluation).toMatchObject({ verdict: "UNDECIDED", reason: "CRITERIA_FAILED", message });
    expect(evaluation).not.toHaveProperty("measured");
  });

  test("reads numbers as written, and fails when one is beyond all numbers", () => {
    const number = (written: string) => {
      const parsed = parseDocument(`{"records": [], "n": ${written}}`);
      if (!parsed.ok) throw new Error(parsed.problem);
      return evaluator.evaluate(compiled(path("NUMBER", "$.n")), parsed.document);
    };
    expect(number("1.50")).toMatchObject({ measured: 1.5 });
    expect(number("12345678901234567890")).toMatchObject({ measured: 1.2345678901234567e19 });
    expect(number("1e999")).toMatchObject({
      reason: "CRITERIA_FAILED",
      message: "the number that the path finds is too large",
    });
  });

  test("sees the listed extensions alone, at their places among each other", () => {
    const records = ["101", "102", "103"].map((extensionNumber, n) => ({ member: { extensionNumber }, n }));
    const context = { onlyExtensions: ["102", "103"], propertyPath: { path: "$.records[0].n", field: "p" } };
    expect(evaluate(compiled(path("COUNT", "$.records[*]"), {}, context), records)).toMatchObject({
      measured: 2,
      availableAgents: 1,
    });
    expect(evaluate(compiled(path("NUMBER", "$.records[1].n"), {}, context), records)).toMatchObject({ measured: 2 });
  });
});

describe("evaluate() shows by the property path", () => {
  const shown = (propertyPath: string, criterion: CriteriaSpec["criterion"] = regex(flag)) =>
    evaluate(compiled(criterion, {}, { propertyPath: { path: propertyPath, field: "p" } }), [on, off], {
      n: 4,
      t: "x",
    });

  test("the number at a singular path, the number of nodes at any other", () => {
    expect(shown("$.n")).toMatchObject({ measured: 1, availableAgents: 4 });
    expect(shown("$.records[*]")).toMatchObject({ measured: 1, availableAgents: 2 });
    expect(shown("$..nope")).toMatchObject({ availableAgents: 0 });
    expect(shown("$.n", path("COUNT", "$.records[*]"))).toMatchObject({ measured: 2, availableAgents: 4 });
    expect(shown("$.n", agents("TOTAL"))).toMatchObject({ measured: 2, availableAgents: 4 });
  });

  test("nothing when it fails, whatever the verdict", () => {
    for (const path of ["$.t", "$.nope", "$.records"]) {
      const evaluation = shown(path);
      expect(evaluation).toEqual(evaluate(compiled(regex(flag)), [on, off]));
    }
    expect(shown("$.n", path("NUMBER", "$.t"))).toMatchObject({ reason: "CRITERIA_FAILED", availableAgents: 4 });
  });

  test("nothing when it takes too long, and the verdict all the same", async () => {
    const clock = new TestClock();
    const hurried = createEvaluator({ clock, overran: () => {} });
    const parsed = parseDocument(JSON.stringify({ records: Array.from({ length: 200 }, () => on) }));
    if (!parsed.ok) throw new Error(parsed.problem);
    const propertyPath = { path: "$..[?count($..[?count($..*) > 1]) > 1]", field: "p" };
    const evaluating = hurried.evaluate(compiled(regex(flag), {}, { propertyPath }), parsed.document);
    expect(evaluating).toBeInstanceOf(Promise);
    while (clock.pending === 0) await settle();
    await clock.advance(LONGEST_RUN_MS);
    expect(await evaluating).toEqual(evaluator.evaluate(compiled(regex(flag)), parsed.document));
    await hurried.close();
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
