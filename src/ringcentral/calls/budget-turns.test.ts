import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { TestClock } from "../../lib/test-clock.ts";
import { Budget } from "./budget.ts";
import { Budgets } from "./budgets.ts";
import { budgetOf, light, MINUTE, startBudget, type TestTaker } from "./test-budget.ts";
import type { Purpose } from "./turn.ts";

const PURPOSES = ["never_read", "check", "asked_lately", "watched", "reconcile"] as const;

/** A budget of one call a minute, used up just now. */
const usedUp = () => budgetOf(1, 1);

describe("take()", () => {
  test("counts a call at once, without a promise, when it may be sent", () => {
    const { budget, take } = startBudget();
    budget.observe(light(1, 1));
    expect(take("check").outcome).toEqual({ granted: true, at: 0 });
    expect(budget.state.left).toBe(0);
  });

  test("says at once that it takes too long when that is known, and from when on a call could be sent", async () => {
    const { take } = await usedUp();
    expect(take("check", { deadline: MINUTE }).outcome).toEqual({ granted: false, until: 1_000 + MINUTE });
  });

  test("says that it takes too long as soon as that becomes known", async () => {
    const { budget, clock, take } = await usedUp();
    const waits = take("check", { deadline: 2 * MINUTE });
    await clock.advance(0);
    expect([waits.outcome, waits.turn.waitsUntil]).toEqual([undefined, 1_000 + MINUTE]);
    await clock.advance(MINUTE - 1);
    budget.spend();
    budget.observe(undefined);
    await clock.advance(0);
    expect(waits.outcome).toEqual({ granted: false, until: 2 * MINUTE + 999 });
    expect(waits.turn.waitsUntil).toBe(0);
    expect(clock.pending).toBe(0);
  });

  test("gives nothing to who has left, and his turn to the next", async () => {
    const { budget, clock, take, went } = await usedUp();
    const leaves = take("check", { name: "leaves" });
    take("check", { name: "stays" });
    await clock.advance(1_000);
    leaves.leave();
    await clock.advance(0);
    expect(leaves.outcome).toEqual({ granted: false, until: 1_000 + MINUTE });
    await clock.advance(MINUTE);
    expect(went).toEqual(["stays"]);
    expect(budget.state.left).toBe(0);
    expect(clock.pending).toBe(0);
  });

  test("gives turns in the order never read, Checks, asked lately, watched, reconcile", async () => {
    const { clock, take, went } = await usedUp();
    for (const purpose of [...PURPOSES].reverse()) take(purpose);
    for (const purpose of PURPOSES) take(purpose, { name: `second ${purpose}` });
    await clock.advance(11 * MINUTE);
    expect(went).toEqual(PURPOSES.flatMap((purpose) => [purpose, `second ${purpose}`]));
    expect(clock.pending).toBe(0);
  });

  test("puts one for which a Check waits now behind the Checks that waited before", async () => {
    const { clock, take, went } = await usedUp();
    const raised = take("watched", { name: "raised" });
    take("check", { name: "check" });
    take("asked_lately");
    take("watched");
    raised.turn.raise();
    await clock.advance(5 * MINUTE);
    expect(went).toEqual(["check", "raised", "asked_lately", "watched"]);
  });

  test("lets one that a Check waits for go at once when the Checks' part of the limit is left", async () => {
    const { clock, take, went } = await budgetOf(10, 8);
    for (let queue = 0; queue < 5; queue++) take("never_read");
    const raised = take("never_read", { name: "raised" });
    await clock.advance(0);
    expect(went).toEqual([]);
    raised.turn.raise();
    await clock.advance(0);
    expect(went).toEqual(["raised"]);
  });

  test("keeps the Checks' part of the limit for them, however many scheduled reads wait before them", async () => {
    const { clock, take, went } = await budgetOf(10, 8);
    for (let queue = 0; queue < 40; queue++) take("never_read");
    expect(take("check", { deadline: clock.now() + 1 }).outcome).toMatchObject({ granted: true });
    expect(take("check", { deadline: clock.now() + 1 }).outcome).toMatchObject({ granted: true });
    expect(take("check", { deadline: clock.now() + 1 }).outcome).toMatchObject({ granted: false });
    await clock.advance(0);
    expect(went).toEqual(["check", "check"]);
  });

  test("tells who waits behind others the time at which as many calls have left the window", async () => {
    const { clock, take } = await budgetOf(3, 3);
    const waiting = [take("check"), take("check"), take("check"), take("check")];
    await clock.advance(0);
    expect(waiting.map(({ turn }) => turn.waitsUntil)).toEqual([61_000, 62_000, 63_000, 121_000]);
  });

  test("sends eight before the first answer, and the others as soon as it has come", async () => {
    const { budget, clock, take, went } = startBudget();
    for (let queue = 0; queue < 30; queue++) take("never_read");
    await clock.advance(5_000);
    expect(went).toHaveLength(8);
    budget.observe(light(20, 12));
    await clock.advance(0);
    expect(went).toHaveLength(16);
    await clock.advance(MINUTE);
    expect(went).toHaveLength(30);
  });

  test("lets nobody go while RingCentral says that nothing is left", async () => {
    const { budget, clock, take, went } = await budgetOf(10, 0);
    budget.observe(light(10, 0));
    take("check");
    await clock.advance(MINUTE - 1);
    expect(went).toEqual([]);
    await clock.advance(1);
    expect(went).toEqual(["check"]);
  });

  test("never lets more than the limit into any window, nor one before another who may go as well", async () => {
    const step = fc.record({
      after: fc.nat(9_000),
      purpose: fc.constantFrom<Purpose>(...PURPOSES),
      other: fc.constantFrom("stays", "leaves", "raises"),
      whom: fc.nat(50),
    });
    const given = fc.tuple(
      fc.integer({ min: 1, max: 9 }),
      fc.integer({ min: 5, max: 60 }),
      fc.array(step, { maxLength: 50 }),
    );
    await fc.assert(
      fc.asyncProperty(given, async ([limit, seconds, steps]) => {
        const { budget, clock, take } = startBudget();
        budget.observe(light(limit, limit, seconds));
        const takers: TestTaker[] = [];
        const sent: number[] = [];
        const seen = new Set<TestTaker>();
        const look = () => {
          const granted = takers.filter((taker) => taker.outcome?.granted && !seen.has(taker));
          for (const taker of granted) {
            seen.add(taker);
            sent.push(taker.outcome?.granted ? taker.outcome.at : Number.NaN);
          }
          const waiting = takers.filter(({ outcome }) => outcome === undefined);
          for (const went of granted) {
            for (const { turn } of waiting) {
              const mayAsWell = turn.forCheck || !went.turn.forCheck;
              if (mayAsWell && shareOf(turn) >= shareOf(went.turn)) {
                expect(turn.order).toBeGreaterThanOrEqual(went.turn.order);
              }
            }
            const at = sent.at(-1)!;
            const before = sent.filter((time) => time > at - seconds * 1_000).length;
            expect(before).toBeLessThanOrEqual(limit);
          }
        };
        for (const { after, purpose, other: does, whom } of steps) {
          for (let ms = 0; ms < after; ms += 500) {
            await clock.advance(Math.min(500, after - ms));
            look();
          }
          takers.push(take(purpose));
          // Who had a turn by now had it before the other was raised.
          await clock.advance(0);
          look();
          const other = takers[whom % takers.length]!;
          if (does === "leaves") other.leave();
          if (does === "raises") other.turn.raise();
          await clock.advance(0);
          look();
        }
        await clock.advance(60 * MINUTE);
        expect(takers.every(({ outcome }) => outcome !== undefined)).toBe(true);
        expect(clock.pending).toBe(0);
      }),
      { numRuns: 40 },
    );
  });
});

function shareOf({ forCheck, purpose }: TestTaker["turn"]): number {
  return forCheck ? 1 : purpose === "reconcile" ? 0.5 : 0.8;
}

describe("absorb()", () => {
  test("counts what both have spent, and takes over who waits, by their order", async () => {
    const { budget, clock, take, went } = await budgetOf(2, 1);
    const other = new Budget("light", clock);
    other.observe(light(1, 1));
    other.spend();
    take("watched", { name: "theirs", of: other });
    take("check", { name: "their Check", of: other });
    budget.absorb(other);
    expect(budget.state).toEqual({ limit: 2, left: 0 });
    take("check", { name: "ours" });
    await clock.advance(0);
    expect(went).toEqual([]);
    await clock.advance(3 * MINUTE);
    expect(went).toEqual(["their Check", "ours", "theirs"]);
    expect(clock.pending).toBe(0);
  });

  test("lets one that was taken over leave, and a Check come to wait for another", async () => {
    const { budget, clock, take, went } = await usedUp();
    const other = new Budget("light", clock);
    other.observe(light(1, 0));
    const leaves = take("check", { name: "leaves", of: other });
    take("asked_lately", { of: other });
    const raised = take("watched", { name: "raised", of: other });
    budget.absorb(other);
    leaves.leave();
    raised.turn.raise();
    await clock.advance(4 * MINUTE);
    expect(went).toEqual(["raised", "asked_lately"]);
    expect([budget.idle, other.idle, clock.pending]).toEqual([true, true, 0]);
  });

  test("knows the other's limit with its window, and heeds that nothing is left there", () => {
    const { budget, clock } = startBudget();
    const other = new Budget("light", clock);
    other.observe(light(30, 0, 10));
    budget.absorb(other);
    expect(budget.perMinute).toBe(180);
    expect(budget.state).toEqual({ limit: 30, left: 0 });
  });
});

describe("Budgets", () => {
  test("move() makes what counted under one key count under another, in each group", async () => {
    const clock = new TestClock(0);
    const budgets = new Budgets(clock);
    for (const key of ["connection", "owner"]) {
      budgets.get(key, "light").observe(light(10, 10));
      budgets.get(key, "light").spend();
    }
    budgets.get("connection", "heavy").observe({ group: "heavy", limit: 10, left: 10, windowSeconds: 60 });
    budgets.move("connection", "owner");
    expect(budgets.get("owner", "light").state).toEqual({ limit: 10, left: 8 });
    expect(budgets.get("owner", "heavy").state).toEqual({ limit: 10, left: 10 });
    expect(budgets.of("connection")).toEqual([]);
    expect(budgets.of("owner").map(({ group }) => group)).toEqual(["light", "heavy"]);
  });

  test("sweep() forgets keys that nobody uses once nothing counts any more, and no others", async () => {
    const clock = new TestClock(0);
    const budgets = new Budgets(clock);
    const [used, spent, gone] = ["https://a/b c", "spent", "gone"] as const;
    budgets.get(used, "light");
    budgets.get(spent, "light").spend();
    budgets.get(gone, "light");
    const sweep = () => budgets.sweep((key) => key === used);
    sweep();
    expect([used, spent, gone].map((key) => budgets.of(key).length)).toEqual([1, 1, 0]);
    await clock.advance(MINUTE);
    sweep();
    expect([used, spent].map((key) => budgets.of(key).length)).toEqual([1, 0]);
  });
});

test("take() waits for room for all that a call counts as, and those behind it for what it leaves", async () => {
  const { clock, budget, take, went } = await budgetOf(10, 6);
  const large = take("check", { name: "large", units: 5 });
  const small = take("check", { name: "small" });
  expect([went, large.turn.waitsUntil, small.turn.waitsUntil]).toEqual([[], 1_000 + MINUTE, 2_000 + MINUTE]);
  await clock.advance(55_000);
  expect([went, budget.state.left]).toEqual([["large"], 0]);
  await clock.advance(1_000);
  expect(went).toEqual(["large", "small"]);
});

test("take() gives a call that counts as more than the limit its turn when all of that is free", async () => {
  const { clock, budget, take, went } = await budgetOf(10, 1);
  const huge = take("watched", { units: 30 });
  expect(huge.turn.waitsUntil).toBe(1_000 + MINUTE);
  await clock.advance(MINUTE);
  expect([went, budget.state.left]).toEqual([["watched"], 0]);
});
