import { afterEach, describe, expect, test } from "vitest";
import type { Clock } from "../lib/clock.ts";
import { settle, TestClock } from "../lib/test-clock.ts";
import { createGate, type Gate, MAIN_THREAD_MS } from "./gate.ts";
import { type CompiledPattern, compileRegex } from "./regex.ts";
import type { Found } from "./search.ts";
import { LONGEST_QUEUE, LONGEST_RUN_MS, type Outcome } from "./worker-client.ts";

const gates: Gate[] = [];
afterEach(async () => {
  for (const gate of gates.splice(0)) await gate.close();
});

function gateWith(clock: Clock) {
  const overran: { pattern: string; limitMs: number }[] = [];
  const gate = createGate({ clock, overran: (e) => overran.push(e) });
  gates.push(gate);
  return { gate, overran };
}

function compiled(pattern: string): CompiledPattern {
  const result = compileRegex(pattern, false);
  if (!result.ok) throw new Error(result.description);
  return result.pattern;
}

const MEGABYTE = 1_000_000;
const overrun = { ok: false, problem: "the pattern took longer than 250 ms" };

describe("search() on the main thread", () => {
  test("answers at once when the work is small", () => {
    const { gate } = gateWith(new TestClock());
    expect(gate.search(compiled("a+"), "COUNT", ["aa b a"])).toEqual({ ok: true, found: { matched: [], count: 2 } });
    expect(gate.search(compiled("a+"), "RECORDS", ["b", "a", "aa"])).toEqual({
      ok: true,
      found: { matched: [1, 2], count: 2 },
    });
  });

  test.each(["COUNT", "RECORDS"] as const)(
    "hands %s over when its time is up between finds, and answers the same",
    async (task) => {
      // Each look at this clock costs 10 ms, as if the process were held up.
      let now = 0;
      const { gate, overran } = gateWith({
        now: () => {
          now += MAIN_THREAD_MS / 2.5;
          return now;
        },
        after: () => () => {},
      });
      const texts = Array.from({ length: 50 }, () => "a b");
      const outcome = gate.search(compiled("a"), task, texts);
      expect(outcome).toBeInstanceOf(Promise);
      expect(await outcome).toMatchObject({ ok: true, found: { count: 50 } });
      expect(overran).toEqual([]);
    },
  );
});

test("search() is an outcome when the engine throws", () => {
  const { gate } = gateWith(new TestClock());
  const broken = { test: () => JSON.parse("") } as unknown as CompiledPattern["finder"];
  const outcome = gate.search({ ...compiled("a"), finder: broken }, "MATCH", ["a"]);
  expect(outcome).toEqual({ ok: false, problem: "the pattern cannot be evaluated" });
});

const ACCEPTING = '"acceptCurrentQueueCalls": true';

test("search() and locate() look through a megabyte at once when the pattern is a literal", () => {
  const { gate } = gateWith(new TestClock());
  const count = 25_000;
  const text = `{${ACCEPTING}}, `.repeat(count).padEnd(MEGABYTE);
  expect(gate.search(compiled(ACCEPTING), "COUNT", [text])).toEqual({ ok: true, found: { matched: [], count } });
  expect(gate.locate(compiled(ACCEPTING), 1, [text])).toMatchObject({ ok: true, found: { spans: [[0, 1, 32]] } });
});

test("search() hands a literal over too when there is very much text", async () => {
  const { gate } = gateWith(new TestClock());
  const outcome = gate.search(compiled("b"), "RECORDS", ["a".repeat(MEGABYTE), "a".repeat(MEGABYTE), "b"]);
  expect(outcome).toBeInstanceOf(Promise);
  expect(await outcome).toEqual({ ok: true, found: { matched: [2], count: 1 } });
});

describe("search() of costly work", () => {
  test.each([
    ["(a+)+$", "MATCH", `${"a".repeat(MEGABYTE)}b`],
    ["(?s)(.*,){20}x", "COUNT", '{"x": 1, "b": 2},\n'.repeat(MEGABYTE / 18)],
    ["a.*z|a", "COUNT", "a".repeat(MEGABYTE)],
  ] as const)(
    "leaves the main loop turning when the pattern is %s, and answers the next",
    async (pattern, task, text) => {
      // Time passes only once per ten turns of the main loop: if the loop were held up, the search could not overrun.
      const clock = new TestClock();
      const { gate } = gateWith(clock);
      let outcome: Outcome<Found> | undefined;
      const searching = gate.search(compiled(pattern), task, [text]);
      expect(searching).toBeInstanceOf(Promise);
      void Promise.resolve(searching).then((result) => {
        outcome = result;
      });
      let turns = 0;
      while (outcome === undefined) {
        for (let turn = 0; turn < 10; turn++) await settle();
        if (clock.pending > 0) await clock.advance(25);
        turns++;
      }
      expect(turns).toBeGreaterThan(1);
      expect([overrun, { ok: true, found: { matched: [], count: 0 } }]).toContainEqual(outcome);
      const next = gate.search(compiled("a{2}x{100}"), "COUNT", [`aa${"x".repeat(MEGABYTE)}`]);
      expect(await next).toEqual({ ok: true, found: { matched: [], count: 1 } });
    },
  );

  test("ends the thread when a search overruns, says so, and starts another for those who wait", async () => {
    const clock = new TestClock();
    const { gate, overran } = gateWith(clock);
    const endless = gate.search(compiled("a.*z|a"), "COUNT", ["a".repeat(MEGABYTE)]);
    const next = gate.search(compiled("b{200}"), "COUNT", ["b".repeat(MEGABYTE)]);
    while (clock.pending === 0) await settle();
    await clock.advance(LONGEST_RUN_MS - 1);
    expect(overran).toEqual([]);
    await clock.advance(1);
    expect(await endless).toEqual(overrun);
    expect(overran).toEqual([{ pattern: "a.*z|a", limitMs: 250 }]);
    expect(await next).toEqual({ ok: true, found: { matched: [], count: MEGABYTE / 200 } });
    expect(clock.pending).toBe(0);
  });

  test("refuses when too many wait, and answers all who were taken in", async () => {
    const { gate } = gateWith(new TestClock());
    const pattern = compiled("c{200}");
    const taken = Array.from({ length: LONGEST_QUEUE }, () => gate.search(pattern, "MATCH", ["c".repeat(11_000)]));
    const refused = gate.search(pattern, "MATCH", ["c".repeat(11_000)]);
    expect(await refused).toEqual({ ok: false, problem: "32 evaluations of costly patterns are already waiting" });
    for (const outcome of taken) expect(await outcome).toMatchObject({ ok: true, found: { count: 1 } });
  });

  test("fails when the gate is closed, whether it ran, waited or came later", async () => {
    const clock = new TestClock();
    const { gate } = gateWith(clock);
    const search = () => gate.search(compiled("a.*z|a"), "COUNT", ["a".repeat(MEGABYTE)]);
    const running = search();
    const waiting = search();
    while (clock.pending === 0) await settle();
    await gate.close();
    const stopping = { ok: false, problem: "the service is stopping" };
    expect(await running).toEqual(stopping);
    expect(await waiting).toEqual(stopping);
    expect(await search()).toEqual(stopping);
    expect(clock.pending).toBe(0);
  });
});
