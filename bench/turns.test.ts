import { expect, test } from "vitest";
import type { Bench } from "./scenario.ts";
import { byTurns, type Contender, rates, timesThat } from "./turns.ts";

const order: string[] = [];

/** A contender whose every answer takes `cpuMs` of its process. */
function contender(name: string, perSecond: number, cpuMs: number): Contender {
  let spent = 0;
  return {
    name,
    async ask(ms) {
      order.push(name);
      const answered = (perSecond * ms) / 1000;
      spent += answered * cpuMs;
      return { perSecond, answered };
    },
    usage: () => ({ cpuMs: spent, rssBytes: 0 }),
  };
}

test("byTurns() measures all by turns after a warm-up, and timesThat() gives one over another round by round", async () => {
  const bench = { say: () => {} } as unknown as Bench;
  const contenders = [contender("a", 1000, 0.3), contender("b", 2000, 0.1)];
  const rounds = await byTurns(bench, contenders, { what: "x", rounds: 2, ms: 1000, warmUpMs: 100 });
  expect(order).toEqual(["a", "b", "a", "b", "a", "b"]);
  const rate = timesThat(rounds, ["a", "b"], "perSecond");
  expect(rate).toEqual({ value: 0.5, spread: { low: 0.5, high: 0.5 } });
  expect(timesThat(rounds, ["a", "b"], "cpu").value).toBeCloseTo(3);
  expect(timesThat(rounds, ["a", "none"], "cpu").value).toBeNaN();
  const [first] = rates("x", "/s", rounds);
  expect(first).toMatchObject({ name: "a", value: 1000, unit: "/s" });
  expect(first?.more?.["CPU us each"]).toBeCloseTo(300);
});
