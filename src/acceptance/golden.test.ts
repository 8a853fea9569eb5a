import { afterAll, describe, expect, test } from "vitest";
import golden from "../../test/fixtures/acceptance.json" with { type: "json" };
import { TestClock } from "../lib/test-clock.ts";
import type { ConditionName } from "./condition.ts";
import { compileCriteria, type RegexType, type Scope } from "./criteria.ts";
import { parseDocument } from "./document.ts";
import { createEvaluator } from "./evaluate.ts";
import { LAYOUTS, printIn } from "./layouts.ts";

const evaluator = createEvaluator({ clock: new TestClock() });
afterAll(() => evaluator.close());

describe.each(LAYOUTS)("evaluate() of an answer in layout %s", (layout) => {
  test.each(golden.cases)("gives the golden verdict when the case is: $name", async (golden) => {
    const compiled = compileCriteria(
      {
        criterion: {
          kind: "regex",
          type: golden.type as RegexType,
          pattern: golden.pattern,
          scope: golden.scope as Scope,
        },
        condition: golden.condition as ConditionName,
        value: golden.value,
      },
      { field: "acceptance", onlyExtensions: [], detail: "QUEUE" },
    );
    if ("violations" in compiled) throw new Error(JSON.stringify(compiled.violations));
    expect(compiled.criteria.patternUsed).toBe(golden.pattern_used);

    const parsed = parseDocument(printIn(layout, golden.document));
    if (!parsed.ok) throw new Error(parsed.problem);
    const evaluation = await evaluator.evaluate(compiled.criteria, parsed.document);
    expect({ ...evaluation, measured: evaluation.measured ?? null }).toMatchObject({
      verdict: golden.verdict,
      reason: golden.reason,
      measured: golden.measured,
    });
  });
});
