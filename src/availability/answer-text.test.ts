import { expect, test } from "vitest";
import type { Answer } from "./answer.ts";
import { answerText, parseAnswer } from "./answer-text.ts";

const answer: Answer = {
  destinationId: "sales",
  accepted: true,
  verdict: "ACCEPTED",
  reason: "CRITERIA_MET",
  message: 'Matches "a", 日本',
  measured: 0.1,
  agents: { total: 3, available: 0 },
  availableAgents: 2,
  observedAt: 1767614400000.25,
  validUntil: 1767614410000.25,
  source: "CACHE",
  destinationRevision: 2n ** 60n + 1n,
  version: 2n ** 60n + 3n,
  retryAt: undefined,
};

test("parseAnswer() gives back what answerText() was given, when destination and version are given", () => {
  expect(parseAnswer(answerText(answer), answer)).toStrictEqual(answer);
});

test("parseAnswer() leaves absent what was absent", () => {
  const bare: Answer = {
    ...answer,
    measured: undefined,
    agents: undefined,
    availableAgents: undefined,
    observedAt: undefined,
    validUntil: undefined,
    retryAt: 5,
  };
  expect(parseAnswer(answerText(bare), bare)).toStrictEqual(bare);
});

test("answerText() keeps fields that came later, and neither destination nor version", () => {
  const text = answerText({ ...answer, later: 7n } as Answer);
  expect(JSON.parse(text)).toMatchObject({ later: "7", reason: "CRITERIA_MET" });
  expect(text).not.toContain("sales");
  expect(text).not.toContain("version");
});
