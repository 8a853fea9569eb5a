import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { settle, TestClock } from "../lib/test-clock.ts";
import type { AgentCountName, PresenceDetail } from "./agents.ts";
import {
  type Criteria,
  type CriteriaSpec,
  compileCriteria,
  type JsonPathType,
  type RegexCriterionSpec,
} from "./criteria.ts";
import { type PresenceDocument, parseDocument } from "./document.ts";
import { createEvaluator } from "./evaluate.ts";
import { createExplainer, type Explanation, MAX_SHOWN_BYTES } from "./explain.ts";
import { LAYOUTS, printIn } from "./layouts.ts";
import { MAX_MATCHES } from "./what-counts.ts";

const explainer = createExplainer({ clock: new TestClock() });
const evaluator = createEvaluator({ clock: new TestClock() });
afterAll(() => Promise.all([explainer.close(), evaluator.close()]));

interface Rest {
  readonly value?: number;
  readonly onlyExtensions?: readonly string[];
  readonly detail?: PresenceDetail;
}

function compiled(
  criterion: CriteriaSpec["criterion"],
  { value = 2, onlyExtensions = [], detail = "QUEUE" }: Rest = {},
) {
  const spec: CriteriaSpec = { criterion, condition: "GREATER_THAN", value };
  const result = compileCriteria(spec, { field: "acceptance", onlyExtensions, detail });
  if ("violations" in result) throw new Error(JSON.stringify(result.violations));
  return result.criteria;
}

function documentOf(text: string): PresenceDocument {
  const parsed = parseDocument(text);
  if (!parsed.ok) throw new Error(parsed.problem);
  return parsed.document;
}

const FLAG = '"acceptCurrentQueueCalls":true';
const regex = (rest: Partial<RegexCriterionSpec> = {}): RegexCriterionSpec => ({
  ...{ kind: "regex", type: "COUNT", scope: "RECORDS", pattern: FLAG },
  ...rest,
});
const path = (type: JsonPathType, path: string) => ({ kind: "json_path", type, path }) as const;
const agents = (count: AgentCountName) => ({ kind: "agents", count }) as const;

/** Five agents, of whom the fourth is opted out and the fifth does not say. */
const five = documentOf(
  JSON.stringify({
    uri: "https://é",
    records: [true, true, true, false, undefined].map((acceptCurrentQueueCalls, index) => ({
      member: { id: 500 + index, name: `Zoë ${index}`, extensionNumber: `10${index}` },
      acceptQueueCalls: true,
      acceptCurrentQueueCalls,
      n: index + 1,
    })),
    waiting: 3.5,
    open: true,
  }),
);

const cutOut = ({ canonicalText, matches }: Explanation) =>
  matches.map(({ start, end }) => Buffer.from(canonicalText).toString("utf8", start, end));
const marks = ({ records }: Explanation) =>
  records.map((it) => (it.matched ? "counts" : it.open ? "open" : it.filteredOut ? "out" : "no")).join(" ");

describe("explain() says in one sentence", () => {
  const open = "cannot be judged because acceptCurrentQueueCalls is not known";

  test.each<[CriteriaSpec["criterion"], Rest, string, string]>([
    [
      regex(),
      {},
      `3 of 5 agents match, and 1 ${open}; more than 2 are needed: accepted`,
      "counts counts counts no open",
    ],
    [
      regex(),
      { value: 3 },
      `3 of 5 agents match, and 1 ${open}; more than 3 are needed: undecided`,
      "counts counts counts no open",
    ],
    [
      regex(),
      { value: 1, onlyExtensions: ["100", "103"] },
      "1 of 2 agents matches (3 more left out by only_extensions); more than 1 is needed: rejected",
      "counts out out no out",
    ],
    [
      regex(),
      { onlyExtensions: ["9"] },
      "There are no agents to look at (5 more left out by only_extensions); more than 2 are needed: rejected",
      "out out out out out",
    ],
    [
      regex({ type: "MATCH", pattern: '"acceptQueueCalls":true' }),
      { value: 0 },
      "5 of 5 agents match, which measures 1; more than 0 are needed: accepted",
      "counts counts counts counts counts",
    ],
    [
      regex({ scope: "BODY" }),
      {},
      "The pattern matches 3 times in the answer; more than 2 are needed: accepted",
      "counts counts counts no no",
    ],
    [
      regex({ scope: "BODY", type: "MATCH", pattern: '"nope"' }),
      {},
      "The pattern does not match in the answer, which measures 0; more than 2 are needed: rejected",
      "no no no no no",
    ],
    [
      regex({ scope: "RAW", pattern: '"waiting":' }),
      {},
      "The pattern matches once in the answer as received; more than 2 are needed: rejected",
      "no no no no no",
    ],
    [
      regex({ scope: "BODY", type: "CAPTURE", pattern: '"waiting": ([0-9.]+)' }),
      {},
      "The pattern captures 3.5 in the answer; more than 2 are needed: accepted",
      "no no no no no",
    ],
    [
      regex({ scope: "BODY", type: "CAPTURE", pattern: '"name": "(.*?)"' }),
      {},
      "Nothing was measured, because what the pattern captured is not a number: undecided",
      "counts no no no no",
    ],
    [
      agents("AVAILABLE"),
      {},
      `3 of 5 agents are available, and 1 ${open}; more than 2 are needed: accepted`,
      "counts counts counts no open",
    ],
    [
      agents("UNKNOWN"),
      { value: 0 },
      "1 of 5 agents is of unknown availability; more than 0 are needed: accepted",
      "no no no no counts",
    ],
    [
      agents("AVAILABLE"),
      { detail: "QUEUE_AND_EXTENSION", onlyExtensions: ["104"] },
      "0 of 1 agent is available, and 1 cannot be judged because acceptCurrentQueueCalls, telephonyStatus are not known (4 more left out by only_extensions); more than 2 are needed: rejected",
      "out out out out open",
    ],
    [
      path("COUNT", "$.records[?@.acceptCurrentQueueCalls == true]"),
      {},
      "The path finds 3 nodes; more than 2 are needed: accepted",
      "counts counts counts no no",
    ],
    [
      path("EXISTS", "$.nope"),
      {},
      "The path finds nothing, which measures 0; more than 2 are needed: rejected",
      "no no no no no",
    ],
    [path("NUMBER", "$.records[3].n"), {}, "The path gives 4; more than 2 are needed: accepted", "no no no counts no"],
    [
      path("BOOLEAN", "$.open"),
      { value: 0 },
      "The path gives true, which measures 1; more than 0 are needed: accepted",
      "no no no no no",
    ],
    [
      path("NUMBER", "$.records[*].n"),
      {},
      "Nothing was measured, because the path finds more than one node: undecided",
      "counts counts counts counts counts",
    ],
  ])("%j %j", async (criterion, rest, sentence, marked) => {
    const criteria = compiled(criterion, rest);
    const explanation = await explainer.explain(criteria, five);
    expect(explanation.sentence).toBe(sentence);
    expect(marks(explanation)).toBe(marked);
    expect(explanation.evaluation).toEqual(await evaluator.evaluate(criteria, five));
  });
});

test("explain() gives the whole of it", async () => {
  const document = documentOf(
    '{"uri":"é","records":[{"acceptCurrentQueueCalls":true,"member":{"id":1.0,"name":"Zoë"}},{}],"x":[1]}',
  );
  expect(await explainer.explain(compiled(regex(), { value: 1 }), document)).toEqual({
    evaluation: {
      verdict: "UNDECIDED",
      reason: "PRESENCE_UNKNOWN",
      message: "1 to 2 matches, needs more than 1",
      measured: 1,
      agents: { total: 2, accepting: 1, unknown: 2, optedOut: 0 },
    },
    patternUsed: '"acceptCurrentQueueCalls": true',
    canonicalText:
      '{"uri": "é", "records": [{"member": {"id": 1.0, "name": "Zoë"}, "acceptCurrentQueueCalls": true},\n{}], "x": [1]}',
    matches: [{ start: 66, end: 97 }],
    records: [
      {
        index: 0,
        extensionId: "1.0",
        name: "Zoë",
        extensionNumber: "",
        matched: true,
        open: false,
        filteredOut: false,
      },
      { index: 1, extensionId: "", name: "", extensionNumber: "", matched: false, open: true, filteredOut: false },
    ],
    rawMeasured: 1,
    sentence:
      "1 of 2 agents matches, and 1 cannot be judged because acceptCurrentQueueCalls is not known; more than 1 is needed: undecided",
    truncated: false,
  });
});

describe("explain() shows what the raw text would have measured", () => {
  const spaced = (text: string) => documentOf(text.replaceAll(":", " : "));
  const text = JSON.stringify({ records: [{ acceptCurrentQueueCalls: true, n: 7 }] });

  test.each<[RegexCriterionSpec, number | undefined, number | undefined]>([
    [regex(), 1, 0],
    [regex({ type: "MATCH" }), 1, 0],
    [regex({ type: "CAPTURE", scope: "BODY", pattern: '"n":(\\d)' }), 7, undefined],
    [regex({ scope: "RAW" }), 1, 0],
  ])("%j", async (criterion, compact, jackson) => {
    expect((await explainer.explain(compiled(criterion), documentOf(text))).rawMeasured).toBe(compact);
    expect((await explainer.explain(compiled(criterion), spaced(text))).rawMeasured).toBe(jackson);
  });

  test("not when there is no raw text or no pattern", async () => {
    const merged = { ...documentOf(text), raw: "" };
    expect(await explainer.explain(compiled(regex()), merged)).not.toHaveProperty("rawMeasured");
    expect(await explainer.explain(compiled(agents("TOTAL")), documentOf(text))).not.toHaveProperty("rawMeasured");
  });
});

test("explain() shows matches that really are those of the pattern, and measures what evaluate() does", async () => {
  const record = fc.record(
    {
      acceptQueueCalls: fc.boolean(),
      acceptCurrentQueueCalls: fc.boolean(),
      member: fc.record({ name: fc.string({ unit: "binary", maxLength: 6 }) }),
    },
    { requiredKeys: [] },
  );
  const answer = fc.record({ uri: fc.string({ unit: "binary" }), records: fc.array(record), "\u{10101}": fc.string() });
  await fc.assert(
    fc.asyncProperty(
      answer,
      fc.constantFrom(...LAYOUTS),
      fc.constantFrom<RegexCriterionSpec>(
        regex(),
        regex({ pattern: '"name":"[^"]' }),
        regex({ pattern: "[^\\x00-\\x7f]+" }),
        regex({ scope: "BODY", pattern: "[^\\x00-\\x7f]+" }),
        regex({ scope: "BODY" }),
        regex({ scope: "RAW", pattern: "true|[^\\x00-\\x7f]" }),
      ),
      async (json, layout, criterion) => {
        const document = documentOf(printIn(layout, json));
        const criteria = compiled(criterion);
        const explanation = await explainer.explain(criteria, document);
        expect(explanation.evaluation).toEqual(await evaluator.evaluate(criteria, document));
        const used = new RegExp(criteria.patternUsed!.replace("\\s", " "), "u");
        for (const found of cutOut(explanation)) expect(used.exec(found)?.[0]).toBe(found);
        const counted = explanation.records.filter(({ matched }) => matched).length;
        const counts = criterion.scope === "RECORDS" ? counted : explanation.matches.length;
        expect(counts).toBe(explanation.evaluation.measured);
        if (criterion.scope !== "RAW") expect(explanation.canonicalText).toContain('"records": [');
      },
    ),
    { numRuns: 150 },
  );
});

describe("explain() bounds what it shows", () => {
  const manyAgents = (count: number, name: string) =>
    documentOf(JSON.stringify({ records: Array.from({ length: count }, (_, id) => ({ member: { id, name }, a: 1 })) }));
  const counted = compiled(regex({ pattern: '"a":1' }));

  test("of a long text, to its beginning and the matches in that", async () => {
    const explanation = await explainer.explain(counted, manyAgents(600, "é".repeat(300)));
    const bytes = Buffer.byteLength(explanation.canonicalText);
    expect(bytes).toBeLessThanOrEqual(MAX_SHOWN_BYTES);
    expect(bytes).toBeGreaterThan(MAX_SHOWN_BYTES - 4);
    expect(explanation).toMatchObject({ truncated: true, evaluation: { measured: 600 }, rawMeasured: 600 });
    expect(explanation.records.filter(({ matched }) => matched)).toHaveLength(600);
    expect(new Set(cutOut(explanation))).toEqual(new Set(['"a": 1']));
    expect(explanation.matches).toHaveLength(explanation.canonicalText.split('"a": 1').length - 1);
    expect(explanation.sentence).toBe("600 of 600 agents match; more than 2 are needed: accepted");
  });

  test("of many matches, to the first thousand", async () => {
    const explanation = await explainer.explain(counted, manyAgents(1001, ""));
    expect(explanation.matches).toHaveLength(MAX_MATCHES);
    expect(explanation.records.filter(({ matched }) => matched)).toHaveLength(1001);
    expect(explanation.sentence).toBe(
      "1001 of 1001 agents match; more than 2 are needed: accepted. Only the first 1000 matches are shown",
    );
    expect((await explainer.explain(counted, manyAgents(1000, ""))).sentence).not.toContain("Only");
  });

  test("to nothing of a body that is larger than what is searched", async () => {
    const large = documentOf(JSON.stringify({ records: [{ x: "a".repeat(1 << 20) }] }));
    const explanation = await explainer.explain(compiled(regex({ scope: "BODY", pattern: "a" })), large);
    expect(explanation).toMatchObject({ matches: [], truncated: true });
    expect(explanation.sentence).toBe("Nothing was measured, because the text is larger than 1 MB: undecided");
  });
});

describe("explain() of hostile criteria", () => {
  const large = documentOf(
    JSON.stringify({ records: Array.from({ length: 400 }, (_, n) => ({ n, a: "a".repeat(200) })) }),
  );

  /** Explains while time passes: a little with each look at the clock, and else only while the main loop turns. */
  async function explained(criteria: Criteria): Promise<{ explanation: Explanation; overruns: number }> {
    const clock = new TestClock();
    let looks = 0;
    let overruns = 0;
    const hurried = createExplainer({
      clock: { now: () => clock.now() + looks++, after: (ms, then) => clock.after(ms, then) },
      overran: () => overruns++,
    });
    let explanation: Explanation | undefined;
    void hurried.explain(criteria, large).then((it) => {
      explanation = it;
    });
    while (explanation === undefined) {
      for (let turn = 0; turn < 10; turn++) await settle();
      if (clock.pending > 0) await clock.advance(25);
    }
    await hurried.close();
    return { explanation, overruns };
  }

  test.each<[string, CriteriaSpec["criterion"]]>([
    ["a pattern", regex({ scope: "BODY", pattern: "(?s)a.*z|a" })],
    ["a path", path("COUNT", "$..[?count($..[?count($..*) > 1]) > 1]")],
  ])("shows the text and that nothing was measured, after one try, when it is %s", async (_name, criterion) => {
    const { explanation, overruns } = await explained(compiled(criterion));
    const subject = criterion.kind === "regex" ? "pattern" : "path";
    expect(overruns).toBe(1);
    expect(explanation.sentence).toBe(
      `Nothing was measured, because the ${subject} took longer than 250 ms: undecided`,
    );
    expect(explanation).toMatchObject({ matches: [], evaluation: { reason: "CRITERIA_FAILED" } });
    expect(explanation).not.toHaveProperty("rawMeasured");
    expect(explanation.canonicalText).toContain('"n": 399');
  });

  test("says that matches are not shown when only finding all of them takes too long", async () => {
    // To know that there is a match takes one look; to find where all are, each of them runs to the end of the text.
    const { explanation } = await explained(
      compiled(regex({ scope: "BODY", type: "MATCH", pattern: "(?s)a.*z|a" }), { value: 0 }),
    );
    expect(explanation.evaluation.verdict).toBe("ACCEPTED");
    expect(explanation.matches).toEqual([]);
    expect(explanation.sentence).toBe(
      "1 match, needs more than 0: accepted. The matches are not shown, because the pattern took longer than 250 ms",
    );
  });
});
