import { describe, expect, test } from "vitest";
import type { Evaluation } from "../acceptance/evaluate.ts";
import type { Snapshot } from "../presence/snapshot.ts";
import type { Answer } from "./answer.ts";
import { SharedAnswers } from "./shared-answers.ts";

const evaluation: Evaluation = { verdict: "ACCEPTED", reason: "CRITERIA_MET", message: "", agents: {} };
const answer: Answer = {
  destinationId: "a",
  accepted: true,
  verdict: "ACCEPTED",
  reason: "CRITERIA_MET",
  message: "",
  measured: 1,
  agents: undefined,
  availableAgents: undefined,
  observedAt: 1000,
  validUntil: 11_000,
  source: "CACHE",
  destinationRevision: 1n,
  version: 1n,
  retryAt: undefined,
};
const pushed: Answer = { ...answer, source: "PUSH" };
const judged = { snapshot: {} as Snapshot, evaluation, at: 1000, pushed: false };

function sharing(cache: Answer): SharedAnswers {
  const shared = new SharedAnswers();
  shared.share(evaluation, cache);
  return shared;
}

describe("recent()", () => {
  test("gives the very answer as long as it is young enough and of this evaluation", () => {
    const shared = sharing(answer);
    expect(shared.recent(evaluation, 1000, 9_000)).toBe(answer);
    expect(shared.recent(evaluation, 1001, 9_000)).toBeUndefined();
    expect(shared.recent({ ...evaluation }, 1000, 1000)).toBeUndefined();
    expect(shared.recent(undefined, 0, 1000)).toBeUndefined();
    shared.clear();
    expect(shared.recent(undefined, 0, 1000)).toBeUndefined();
  });

  test("gives what push keeps current only while it says that it is hardly older than it is", () => {
    const shared = sharing(pushed);
    expect(shared.recent(evaluation, 0, 1249)).toBe(pushed);
    expect(shared.recent(evaluation, 0, 1250)).toBeUndefined();
  });
});

describe("of()", () => {
  test("makes one answer for all who waited for the read, and one for all others", () => {
    const shared = sharing(answer);
    const live = shared.of(judged, "LIVE");
    expect(live).toEqual({ ...answer, source: "LIVE" });
    expect(shared.of(judged, "LIVE")).toBe(live);
    expect(shared.of(judged, "CACHE")).toBe(answer);
  });

  test("dates the answer anew when push proved alive since, once for everybody", () => {
    const shared = sharing(pushed);
    const later = shared.of({ ...judged, at: 3000, pushed: true }, "CACHE");
    expect(later).toEqual({ ...pushed, observedAt: 3000, validUntil: 13_000 });
    expect(shared.of({ ...judged, at: 3000, pushed: true }, "CACHE")).toBe(later);
    expect(shared.recent(evaluation, 0, 3100)).toBe(later);
  });

  test("gives nothing for another evaluation, or when push began or ceased to keep it current", () => {
    const shared = sharing(answer);
    expect(shared.of({ ...judged, evaluation: { ...evaluation } }, "CACHE")).toBeUndefined();
    expect(shared.of({ ...judged, pushed: true }, "CACHE")).toBeUndefined();
    expect(sharing(pushed).of(judged, "CACHE")).toBeUndefined();
  });
});
