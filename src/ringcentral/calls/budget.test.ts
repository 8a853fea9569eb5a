import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { TestClock } from "../../lib/test-clock.ts";
import { Budget } from "./budget.ts";
import { budgetOf, light, MINUTE, startBudget } from "./test-budget.ts";
import { Turn } from "./turn.ts";

const check = new Turn("check");
const scheduled = new Turn("watched");
const reconcile = new Turn("reconcile");

describe("freeAt()", () => {
  test("lets Checks through when answers name no limit, however many calls went", () => {
    const { budget } = startBudget();
    budget.observe(undefined);
    for (let call = 0; call < 500; call++) budget.spend();
    expect(budget.freeAt(check)).toBe(0);
  });

  test("assumes a limit of 50 a minute for scheduled reads when answers name none", async () => {
    const { budget, clock } = startBudget();
    budget.observe(undefined);
    for (let call = 0; call < 39; call++) budget.spend();
    await clock.advance(1_000);
    expect(budget.freeAt(scheduled)).toBe(1_000);
    budget.spend();
    expect(budget.freeAt(scheduled)).toBe(MINUTE);
  });

  test("lets no more than eight calls go before the first answer, whatever they are for", async () => {
    const { budget, clock } = startBudget();
    for (let call = 0; call < 8; call++) {
      expect([budget.freeAt(check), budget.freeAt(scheduled)]).toEqual([0, 0]);
      budget.spend();
    }
    expect([budget.freeAt(check), budget.freeAt(scheduled)]).toEqual([250, 250]);
    await clock.advance(100);
    expect(budget.freeAt(check)).toBe(350);
    budget.observe(undefined);
    expect([budget.freeAt(check), budget.freeAt(scheduled)]).toEqual([100, 100]);
  });

  test("makes a Check wait for the oldest call to leave the window when the limit is used up", async () => {
    const almost = await budgetOf(10, 9);
    expect(almost.budget.freeAt(check)).toBe(9_000);
    const { budget, clock } = await budgetOf(10, 10);
    expect(budget.freeAt(check)).toBe(1_000 + MINUTE);
    await clock.advance(MINUTE - 9_001);
    expect(budget.freeAt(check)).toBe(1_000 + MINUTE);
    await clock.advance(1);
    expect(budget.freeAt(check)).toBe(clock.now());
  });

  test("counts a call from its answer on, as nobody knows when on its way it came to RingCentral", async () => {
    const { budget, clock } = await budgetOf(2, 1);
    const counted = budget.spend(1);
    await clock.advance(300);
    budget.observe(light(2, 0), [counted]);
    expect(budget.freeAt(check)).toBe(1_000 + MINUTE);
    budget.observe(light(2, 0), [1_000]);
    expect(budget.freeAt(check)).toBe(1_300 + MINUTE);
  });

  test("waits for as many calls as are over the limit when the limit has shrunk", async () => {
    const { budget } = await budgetOf(10, 10);
    budget.observe(light(4, 1));
    expect(budget.freeAt(check)).toBe(7_000 + MINUTE);
  });

  test("keeps a fifth of the limit from scheduled reads, and half of it from the reconcile", async () => {
    expect((await budgetOf(10, 7)).budget.freeAt(scheduled)).toBe(7_000);
    const { budget } = await budgetOf(10, 8);
    expect(budget.freeAt(scheduled)).toBe(1_000 + MINUTE);
    expect(budget.freeAt(check)).toBe(8_000);
    expect((await budgetOf(10, 4)).budget.freeAt(reconcile)).toBe(4_000);
    const half = await budgetOf(10, 5);
    expect(half.budget.freeAt(reconcile)).toBe(1_000 + MINUTE);
    expect(half.budget.freeAt(scheduled)).toBe(5_000);
  });

  test.each([scheduled, reconcile])("leaves $purpose one call when the limit is one", async (turn) => {
    expect((await budgetOf(1, 0)).budget.freeAt(turn)).toBe(0);
    expect((await budgetOf(1, 1)).budget.freeAt(turn)).toBe(1_000 + MINUTE);
  });

  test("counts by RingCentral's window when that is no minute", async () => {
    expect((await budgetOf(3, 3, 10)).budget.freeAt(check)).toBe(11_000);
  });

  test("waits for our own oldest call to leave the window when RingCentral says that nothing is left", async () => {
    const { budget } = await budgetOf(50, 3);
    budget.observe(light(50, 0));
    expect(budget.freeAt(check)).toBe(1_000 + MINUTE);
    expect(budget.freeAt(scheduled)).toBe(1_000 + MINUTE);
  });

  test("waits a whole window when nothing is left and no call of ours is in it", () => {
    const { budget } = startBudget(new TestClock(5_000));
    budget.observe(light(50, 0));
    expect(budget.freeAt(check)).toBe(5_000 + MINUTE);
  });

  test("waits no longer when a later answer says that something is left", async () => {
    const { budget } = await budgetOf(50, 3);
    budget.observe(light(50, 0));
    budget.observe(light(50, 7));
    expect(budget.freeAt(check)).toBe(3_000);
  });

  test("never lets more than the limit into any window, nor more than its share for scheduled reads", async () => {
    const calls = fc.array(fc.record({ after: fc.nat(20_000), turn: fc.constantFrom(check, scheduled, reconcile) }), {
      maxLength: 60,
    });
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 12 }),
        fc.integer({ min: 1, max: 90 }),
        calls,
        async (limit, seconds, asked) => {
          const { budget, clock } = startBudget();
          budget.observe(light(limit, limit, seconds));
          const sent: number[] = [];
          for (const { after, turn } of asked) {
            await clock.advance(after);
            const now = clock.now();
            if (budget.freeAt(turn) > now) continue;
            budget.spend();
            sent.push(now);
            const inWindow = sent.filter((time) => time > now - seconds * 1_000).length;
            const share = turn === check ? 1 : turn === scheduled ? 0.8 : 0.5;
            expect(inWindow).toBeLessThanOrEqual(Math.max(1, Math.floor(share * limit)));
          }
        },
      ),
      { numRuns: 50 },
    );
  });
});

describe("refund()", () => {
  test("gives back the call that was not sent, and its turn to whoever waits for it", async () => {
    const { budget, clock, take, went } = await budgetOf(2, 1);
    const unsent = take("check", { name: "unsent" });
    take("check", { name: "waits" });
    await clock.advance(0);
    expect(went).toEqual(["unsent"]);
    if (unsent.outcome?.granted) budget.refund(unsent.outcome.at);
    await clock.advance(0);
    expect(went).toEqual(["unsent", "waits"]);
    expect(budget.state.left).toBe(0);
  });

  test("gives back nobody else's call when the one not sent has left the window by then", async () => {
    const { budget, clock, take } = await budgetOf(2, 0);
    const unsent = take("check");
    await clock.advance(MINUTE);
    budget.spend();
    if (unsent.outcome?.granted) budget.refund(unsent.outcome.at);
    expect(budget.state.left).toBe(1);
  });
});

describe("perMinute", () => {
  test("is the limit, taken to a minute; RingCentral's own of the group until it is named", async () => {
    const clock = new TestClock();
    expect(new Budget("light", clock).perMinute).toBe(50);
    expect(new Budget("heavy", clock).perMinute).toBe(10);
    expect((await budgetOf(10, 0)).budget.perMinute).toBe(10);
    expect((await budgetOf(10, 0, 30)).budget.perMinute).toBe(20);
  });
});

describe("state", () => {
  test("is what RingCentral said, what was spent since taken off", async () => {
    expect(startBudget().budget.state).toEqual({ limit: undefined, left: undefined });
    const { budget, clock } = await budgetOf(10, 2);
    expect(budget.state).toEqual({ limit: 10, left: 8 });
    await clock.advance(MINUTE);
    expect(budget.state).toEqual({ limit: 10, left: 10 });
    budget.observe(light(10, 0));
    expect(budget.state).toEqual({ limit: 10, left: 0 });
  });
});

describe("idle", () => {
  test("is false as long as a call or RingCentral's word counts, or somebody waits, and true afterwards", async () => {
    const { budget, clock, take } = await budgetOf(10, 2);
    await clock.advance(MINUTE - 1);
    expect(budget.idle).toBe(false);
    await clock.advance(1);
    expect(budget.idle).toBe(true);
    budget.observe(light(10, 0));
    expect(budget.idle).toBe(false);
    const waits = take("check");
    await clock.advance(MINUTE - 1);
    expect(budget.idle).toBe(false);
    waits.leave();
    await clock.advance(1);
    expect(budget.idle).toBe(true);
  });
});
