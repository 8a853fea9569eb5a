import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Budget } from "./budget.ts";

const MINUTE = 60_000;
const light = (limit: number, left: number, windowSeconds = 60) => ({ group: "light", limit, left, windowSeconds });

/** A budget with a known limit, of which `spent` calls went, one every second from 1 s on. */
function budgetOf(limit: number, spent: number, windowSeconds = 60): Budget {
  const budget = new Budget();
  budget.observe(light(limit, limit, windowSeconds), 0);
  for (let call = 1; call <= spent; call++) budget.spend(call * 1_000);
  return budget;
}

describe("freeAt()", () => {
  test("lets Checks through when RingCentral has named no limit, however many calls went", () => {
    const budget = new Budget();
    for (let call = 0; call < 500; call++) budget.spend(call);
    expect(budget.freeAt(500, "check")).toBe(500);
  });

  test("assumes a limit of 50 a minute for scheduled reads when RingCentral has named none", () => {
    const budget = new Budget();
    for (let call = 0; call < 39; call++) budget.spend(call);
    expect(budget.freeAt(1_000, "scheduled")).toBe(1_000);
    budget.spend(39);
    expect(budget.freeAt(1_000, "scheduled")).toBe(MINUTE);
  });

  test("makes a Check wait for the oldest call to leave the window when the limit is used up", () => {
    expect(budgetOf(10, 9).freeAt(10_000, "check")).toBe(10_000);
    expect(budgetOf(10, 10).freeAt(10_000, "check")).toBe(1_000 + MINUTE);
    expect(budgetOf(10, 10).freeAt(1_000 + MINUTE - 1, "check")).toBe(1_000 + MINUTE);
    expect(budgetOf(10, 10).freeAt(1_000 + MINUTE, "check")).toBe(1_000 + MINUTE);
  });

  test("waits for as many calls as are over the limit when the limit has shrunk", () => {
    const budget = budgetOf(10, 10);
    budget.observe(light(4, 1), 11_000);
    expect(budget.freeAt(11_000, "check")).toBe(7_000 + MINUTE);
  });

  test("keeps a fifth of the limit from scheduled reads", () => {
    expect(budgetOf(10, 7).freeAt(10_000, "scheduled")).toBe(10_000);
    expect(budgetOf(10, 8).freeAt(10_000, "scheduled")).toBe(1_000 + MINUTE);
    expect(budgetOf(10, 8).freeAt(10_000, "check")).toBe(10_000);
  });

  test("leaves scheduled reads one call when the limit is one", () => {
    expect(budgetOf(1, 0).freeAt(500, "scheduled")).toBe(500);
    expect(budgetOf(1, 1).freeAt(2_000, "scheduled")).toBe(1_000 + MINUTE);
  });

  test("counts by RingCentral's window when that is no minute", () => {
    expect(budgetOf(3, 3, 10).freeAt(5_000, "check")).toBe(11_000);
  });

  test("waits for our own oldest call to leave the window when RingCentral says that nothing is left", () => {
    const budget = budgetOf(50, 3);
    budget.observe(light(50, 0), 4_000);
    expect(budget.freeAt(4_000, "check")).toBe(1_000 + MINUTE);
    expect(budget.freeAt(4_000, "scheduled")).toBe(1_000 + MINUTE);
  });

  test("waits a whole window when nothing is left and no call of ours is in it", () => {
    const budget = new Budget();
    budget.observe(light(50, 0), 5_000);
    expect(budget.freeAt(5_000, "check")).toBe(5_000 + MINUTE);
  });

  test("waits no longer when a later answer says that something is left", () => {
    const budget = budgetOf(50, 3);
    budget.observe(light(50, 0), 4_000);
    budget.observe(light(50, 7), 9_000);
    expect(budget.freeAt(9_000, "check")).toBe(9_000);
  });

  test("never lets more than the limit into any window, nor more than its share for scheduled reads", () => {
    const calls = fc.array(fc.record({ after: fc.nat(20_000), scheduled: fc.boolean() }), { maxLength: 60 });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 90 }), calls, (limit, seconds, asked) => {
        const budget = new Budget();
        budget.observe(light(limit, limit, seconds), 0);
        const sent: number[] = [];
        let now = 0;
        for (const { after, scheduled } of asked) {
          now += after;
          if (budget.freeAt(now, scheduled ? "scheduled" : "check") > now) continue;
          budget.spend(now);
          sent.push(now);
          const inWindow = sent.filter((time) => time > now - seconds * 1_000).length;
          expect(inWindow).toBeLessThanOrEqual(scheduled ? Math.max(1, Math.floor(0.8 * limit)) : limit);
        }
      }),
    );
  });
});

describe("scheduledPerMinute", () => {
  test("is four fifths of the limit, taken to a minute", () => {
    expect(new Budget().scheduledPerMinute).toBe(40);
    expect(budgetOf(10, 0).scheduledPerMinute).toBe(8);
    expect(budgetOf(10, 0, 30).scheduledPerMinute).toBe(16);
  });
});

describe("idle()", () => {
  test("is false as long as a call or RingCentral's word counts, and true afterwards", () => {
    const budget = budgetOf(10, 2);
    expect(budget.idle(2_000 + MINUTE - 1)).toBe(false);
    expect(budget.idle(2_000 + MINUTE)).toBe(true);
    budget.observe(light(10, 0), 100_000);
    expect(budget.idle(100_000)).toBe(false);
    expect(budget.idle(100_000 + MINUTE)).toBe(true);
  });
});
