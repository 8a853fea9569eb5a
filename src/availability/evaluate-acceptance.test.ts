import { afterAll, describe, expect, test } from "vitest";
import { type CriteriaSpec, compileCriteria, defaultCriteria } from "../acceptance/criteria.ts";
import { createEvaluator } from "../acceptance/evaluate.ts";
import { createExplainer, MAX_SHOWN_BYTES } from "../acceptance/explain.ts";
import { TestClock } from "../lib/test-clock.ts";
import { agents, unknownAgent } from "../presence/test-reader.ts";
import { createEvaluateAcceptance } from "./evaluate-acceptance.ts";

const clock = new TestClock();
const explainer = createExplainer({ clock });
afterAll(() => explainer.close());
const evaluateAcceptance = createEvaluateAcceptance({
  clock,
  explainer,
  evaluate: createEvaluator({ clock }).evaluate,
});

function evaluate(body: string, spec: CriteriaSpec = defaultCriteria, onlyExtensions: string[] = []) {
  const propertyPath = { path: "$.records[*]", field: "property_path" };
  const result = compileCriteria(spec, { field: "acceptance", onlyExtensions, detail: "QUEUE", propertyPath });
  return evaluateAcceptance("violations" in result ? expect.fail("the criteria are good") : result.criteria, body);
}

const none = { destinationId: "", source: "NONE", observedAt: undefined, validUntil: undefined, version: 0n };

describe("createEvaluateAcceptance()", () => {
  test("answers as a Check of that body would, about no destination, and explains it", async () => {
    const { answer, explanation } = await evaluate(agents(2, 1).raw);
    expect(answer).toEqual({
      ...none,
      accepted: true,
      verdict: "ACCEPTED",
      reason: "CRITERIA_MET",
      message: expect.any(String),
      measured: 2,
      agents: expect.objectContaining({ total: 3, accepting: 2 }),
      availableAgents: 3,
      destinationRevision: 0n,
      retryAt: undefined,
    });
    const [request, curl, status] = [undefined, "", 0];
    expect(explanation).toMatchObject({ request, curl, status, responseBody: agents(2, 1).raw, truncated: false });
    expect(explanation.timings).toEqual({ evaluateMs: 0 });
    expect(explanation.sentence).toBe("2 of 3 agents match; more than 0 are needed: accepted");
  });

  test("rejects, and leaves out whom only_extensions leaves out", async () => {
    const { answer, explanation } = await evaluate(agents(1, 2).raw, defaultCriteria, ["101", "102"]);
    expect(answer).toMatchObject({ accepted: false, verdict: "REJECTED", measured: 0, agents: { total: 2 } });
    expect(explanation.acceptance?.records.map(({ filteredOut }) => filteredOut)).toEqual([true, false, false]);
  });

  test("applies no policy to what is undecided", async () => {
    const { answer, explanation } = await evaluate(unknownAgent().raw);
    expect(answer).toMatchObject({ ...none, accepted: false, verdict: "UNDECIDED", reason: "PRESENCE_UNKNOWN" });
    expect(explanation.acceptance?.records).toMatchObject([{ open: true }]);
  });

  test.each([
    ["no JSON", "<html>", "it is not JSON"],
    ["no list of agents", "{}", '"records" is absent'],
    ["nothing", "", "it is not JSON"],
    ["a page of several", '{"records":[],"paging":{"totalPages":2}}', "one page of several"],
  ])("answers UPSTREAM_BAD_RESPONSE, as a read would, when the body is %s", async (_, body, why) => {
    const { answer, explanation } = await evaluate(body);
    expect(answer).toMatchObject({ ...none, accepted: false, verdict: "UNDECIDED", reason: "UPSTREAM_BAD_RESPONSE" });
    expect(answer.message).toMatch(/^Cannot read the presence answer: /);
    expect(answer.message).toContain(why);
    expect(explanation).toMatchObject({ responseBody: body, sentence: answer.message, acceptance: undefined });
  });

  test.each([
    ["a presence", agents(1).raw.replace("{", `{"note":"${"x".repeat(MAX_SHOWN_BYTES)}",`)],
    ["no presence", "x".repeat(MAX_SHOWN_BYTES + 1)],
  ])("shows 256 KiB of a longer body when it is %s", async (_, body) => {
    const { explanation } = await evaluate(body);
    expect(explanation.responseBody).toBe(body.slice(0, MAX_SHOWN_BYTES));
    expect(explanation.truncated).toBe(true);
  });
});
