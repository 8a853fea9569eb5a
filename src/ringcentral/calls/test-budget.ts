import { TestClock } from "../../lib/test-clock.ts";
import { Budget, type TurnOutcome } from "./budget.ts";
import { type Purpose, Turn } from "./turn.ts";

export const MINUTE = 60_000;

/** What RingCentral says of the Light group. */
export const light = (limit: number, left: number, windowSeconds = 60) => ({
  group: "light",
  limit,
  left,
  windowSeconds,
});

/** One call that wants its turn: what came of it, as soon as it is known. */
export interface TestTaker {
  readonly name: string;
  readonly turn: Turn;
  outcome: TurnOutcome | undefined;
  leave(): void;
}

/** A budget at a clock that the test moves, and a list of who had a turn. */
export function startBudget(clock = new TestClock(0)) {
  const budget = new Budget("light", clock);
  const went: string[] = [];
  return {
    clock,
    budget,
    /** Names in the order in which they had their turn. */
    went,
    /** Wants a turn for this; by default it waits as long as it takes. */
    take(
      purpose: Purpose,
      {
        name = purpose,
        deadline = Number.POSITIVE_INFINITY,
        of = budget,
        units = 1,
      }: { name?: string; deadline?: number; of?: Budget; units?: number } = {},
    ): TestTaker {
      const gone = new AbortController();
      const taker: TestTaker = { name, turn: new Turn(purpose), outcome: undefined, leave: () => gone.abort() };
      const settled = (outcome: TurnOutcome) => {
        taker.outcome = outcome;
        if (outcome.granted) went.push(name);
      };
      const outcome = of.take(taker.turn, () => deadline, gone.signal, units);
      if (outcome instanceof Promise) void outcome.then(settled);
      else settled(outcome);
      return taker;
    },
  };
}

/** The same with a known limit, of which `spent` calls went, one every second from 1 s on. */
export async function budgetOf(limit: number, spent: number, windowSeconds = 60) {
  const started = startBudget();
  const { budget, clock } = started;
  budget.observe(light(limit, limit, windowSeconds));
  for (let call = 1; call <= spent; call++) {
    await clock.advance(1_000);
    budget.spend();
  }
  return started;
}
