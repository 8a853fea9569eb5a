import { describe, expect, test } from "vitest";
import { BulkCost } from "./bulk-cost.ts";
import { asksAgents, type JoinNeeds, planJoin } from "./join-plan.ts";

function plan(stale: number, rest: Partial<JoinNeeds> = {}): string {
  const steps = planJoin({
    stale: Array.from({ length: stale }, (_, index) => `${index}`),
    total: undefined,
    light: { perMinute: 50, left: undefined },
    heavy: { perMinute: 10, left: undefined },
    bulkCost: () => 1,
    ...rest,
  });
  return steps.map((step) => (step.kind === "account" ? "account" : step.extensionIds.length)).join(" ");
}

describe("planJoin()", () => {
  test("asks for nothing when nothing is stale, and for each extension once", () => {
    expect(plan(0)).toBe("");
    expect(plan(1)).toBe("1");
    expect(plan(61)).toBe("30 30 1");
    const steps = planJoin({
      stale: ["1", "2"],
      total: 2,
      light: { perMinute: 50, left: 50 },
      heavy: undefined,
      bulkCost: () => 1,
    });
    expect(steps).toEqual([{ kind: "extensions", extensionIds: ["1", "2"] }]);
  });

  test("takes what costs the smaller share of its limit: 30 extensions of 50 calls, or 1,000 of 10", () => {
    expect(plan(150)).toBe("30 30 30 30 30");
    expect(plan(151)).toBe("account");
    expect(plan(300, { total: 2_000 })).toBe(Array(10).fill(30).join(" "));
    expect(plan(301, { total: 2_000 })).toBe("account");
    expect(plan(2_000)).toBe("account");
    expect(plan(301, { heavy: { perMinute: 1, left: undefined } })).toContain("30");
  });

  test("takes account presence sooner when each extension of a call counts", () => {
    const bulkCost = (extensions: number) => extensions;
    expect(plan(5, { bulkCost })).toBe("5");
    expect(plan(6, { bulkCost })).toBe("account");
    expect(plan(26, { bulkCost, heavy: undefined })).toBe("25 1");
    expect(plan(31, { bulkCost, heavy: undefined, light: { perMinute: 500, left: 4 } })).toBe("30 1");
    expect(plan(2, { bulkCost, heavy: undefined, light: { perMinute: 1, left: 1 } })).toBe("1 1");
  });

  test("takes what can be paid now before what cannot", () => {
    expect(plan(60, { light: { perMinute: 50, left: 1 } })).toBe("account");
    expect(plan(300, { heavy: { perMinute: 10, left: 0 } })).toContain("30");
    expect(plan(300, { light: { perMinute: 50, left: 1 }, heavy: { perMinute: 10, left: 0 } })).toBe("account");
  });

  test("never reads the account when that is not allowed", () => {
    expect(plan(2_000, { heavy: undefined }).split(" ")).toHaveLength(67);
  });
});

test("asksAgents() prefers queues unless there are at least twice as many as agents", () => {
  expect(asksAgents({ queues: 8, agents: 4 })).toBe(true);
  expect(asksAgents({ queues: 7, agents: 4 })).toBe(false);
  expect(asksAgents({ queues: 8, agents: 0 })).toBe(false);
});

describe("BulkCost", () => {
  const learned = (...left: (readonly [before: number, after: number, others?: number])[]) => {
    const cost = new BulkCost();
    for (const [before, after, others = 0] of left) cost.observe(20, { before, after, others });
    return cost.of(20);
  };

  test("is one call until two answers in a row say that each extension counts", () => {
    expect(learned()).toBe(1);
    expect(learned([50, 30])).toBe(1);
    expect(learned([50, 30], [30, 10])).toBe(20);
    expect(learned([50, 28, 2], [28, 8])).toBe(20);
    expect(learned([50, 28, 5], [28, 8])).toBe(1);
  });

  test("goes back to one call when answers say so, and learns nothing from few extensions or a window that moved", () => {
    expect(learned([50, 30], [30, 10], [50, 49])).toBe(1);
    expect(learned([50, 30], [30, 10], [10, 40], [40, 25])).toBe(20);
    const cost = new BulkCost();
    for (let time = 0; time < 3; time++) cost.observe(2, { before: 50, after: 48, others: 0 });
    expect(cost.of(30)).toBe(1);
  });

  test("is counted as one for each extension until two answers in a row say that it is one call", () => {
    const cost = new BulkCost();
    expect([cost.known, cost.atMost(20)]).toEqual([false, 20]);
    cost.observe(5, { before: 50, after: 49, others: 0 });
    expect([cost.known, cost.atMost(20)]).toEqual([false, 20]);
    cost.observe(5, { before: 49, after: 46, others: 2 });
    expect([cost.known, cost.atMost(20), cost.of(20)]).toEqual([true, 1, 1]);
    cost.observe(5, { before: 46, after: 41, others: 0 });
    expect([cost.known, cost.atMost(20)]).toEqual([false, 20]);
  });
});
