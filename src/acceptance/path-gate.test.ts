import { afterEach, describe, expect, test } from "vitest";
import type { Clock } from "../lib/clock.ts";
import { settle, TestClock } from "../lib/test-clock.ts";
import { createGate, type Gate, MAIN_THREAD_MS, MAIN_THREAD_STEPS } from "./gate.ts";
import { isJsonObject, type JsonObject, parseExactly } from "./json.ts";
import { compileJsonPath, type JsonPath } from "./json-path.ts";
import type { FoundNodes } from "./path-search.ts";
import { LONGEST_RUN_MS, type Outcome } from "./worker-client.ts";

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

function compiled(written: string): JsonPath {
  const result = compileJsonPath(written);
  if (!result.ok) throw new Error(result.description);
  return result.path;
}

const ALL = Number.POSITIVE_INFINITY;
const overrun = { ok: false, problem: "the path took longer than 250 ms" };

function queueOf(agents: number, rest: object = {}): JsonObject {
  const records = Array.from({ length: agents }, (_, index) => ({ member: { id: `${index}`, a: {} }, n: index }));
  return { ...rest, records };
}

describe("find() on the main thread", () => {
  test("answers at once when the path is cheap, with the first value and the records", () => {
    const { gate } = gateWith(new TestClock());
    const find = (path: string, most = ALL) => gate.find(compiled(path), most, queueOf(4, { open: true }));
    expect(find("$.records[?@.n > 1].n")).toEqual({ ok: true, found: { count: 2, value: 2, records: [2, 3] } });
    expect(find("$.records[*]", 2)).toEqual({ ok: true, found: { count: 2, records: [0, 1] } });
    expect(find("$.open")).toEqual({ ok: true, found: { count: 1, value: true, records: [] } });
    expect(find("$.nope")).toEqual({ ok: true, found: { count: 0, records: [] } });
  });

  test("sees numbers that are kept as written as numbers", () => {
    const json = parseExactly('{"n": 1.50, "m": [12345678901234567890, 1e999], "records": []}');
    if (!isJsonObject(json)) throw new Error("not an object");
    const { gate } = gateWith(new TestClock());
    const value = (path: string) => gate.find(compiled(path), ALL, json);
    expect(value("$[?@ == 1.5]")).toMatchObject({ found: { count: 1, value: 1.5 } });
    expect(value("$.m.*")).toMatchObject({ found: { count: 2, value: 12345678901234567000 } });
    expect(value("$.m[1]")).toMatchObject({ found: { value: Number.POSITIVE_INFINITY } });
    expect(value("$.n.*")).toMatchObject({ found: { count: 0 } });
    expect(JSON.stringify(json.n)).toBe("1.50");
  });

  test("fails, and says so, when the answer brings a pattern that cannot run", () => {
    const { gate } = gateWith(new TestClock());
    const json = { records: [], text: "x", pattern: "(a{400}){400}" };
    expect(gate.find(compiled("$[?search(@, $.pattern)]"), ALL, json)).toEqual({
      ok: false,
      problem: "a pattern that the answer gives compiles to at least 160000 instructions, expected 512 at most",
    });
  });
});

describe("find() hands a path over", () => {
  test("when its time is up between nodes, and answers the same", async () => {
    let now = 0;
    const { gate, overran } = gateWith({
      now: () => {
        now += MAIN_THREAD_MS / 2.5;
        return now;
      },
      after: () => () => {},
    });
    const outcome = gate.find(compiled("$.records[?@.n >= 20].n"), ALL, queueOf(50));
    expect(outcome).toBeInstanceOf(Promise);
    expect(await outcome).toMatchObject({ ok: true, found: { count: 30, value: 20 } });
    expect(overran).toEqual([]);
  });

  test("when it takes too many steps, and at once from then on", async () => {
    const { gate } = gateWith(new TestClock());
    const path = compiled("$.records[?@.n >= 0].n");
    const many = MAIN_THREAD_STEPS / 2;
    expect(await gate.find(path, ALL, queueOf(many))).toMatchObject({ found: { count: many } });
    expect(gate.find(path, ALL, queueOf(1))).toBeInstanceOf(Promise);
    expect(gate.find(compiled("$.records[?@.n >= 0].n"), ALL, queueOf(1))).toMatchObject({ ok: true });
  });

  test("when a pattern in it has a long text to search", async () => {
    const { gate } = gateWith(new TestClock());
    const json = { records: [], text: "a".repeat(600_000) };
    const outcome = gate.find(compiled("$[?search(@, '(a+)+b')]"), ALL, json);
    expect(outcome).toBeInstanceOf(Promise);
    expect([overrun, { ok: true, found: { count: 0, records: [] } }]).toContainEqual(await outcome);
  });

  test("and refuses when the answer is larger than 1 MB", () => {
    const { gate } = gateWith(new TestClock());
    expect(gate.find(compiled("$..*..*..*"), ALL, queueOf(1000, { text: "a".repeat(1 << 20) }))).toEqual({
      ok: false,
      problem: "the path is too costly for an answer larger than 1 MB",
    });
  });

  test("and its failure comes back from the worker's thread", async () => {
    const { gate } = gateWith(new TestClock());
    const json = { ...queueOf(10_000), pattern: "(a{400}){400}", last: ["x"] };
    const outcome = await gate.find(compiled("$[?@[?@.n < 0] || @[?search(@, $.pattern)]]"), ALL, json);
    expect(outcome).toMatchObject({ ok: false });
    expect(!outcome.ok && outcome.problem).toContain("a pattern that the answer gives compiles to");
  });
});

test.each([
  "$..[?@..a]..b",
  "$..*..*..*..*..*..*",
  "$[*,*,*,*][*,*,*,*][*,*,*,*]..[*,*,*]..[*,*,*,*]..[*,*,*]",
  "$..[?count($..[?count($..*) > 1]) > 1]",
  "$..[?@..[?@..[?@..[?$..a]]]]",
  "$[?count(@[*,*,*,*][*,*,*,*]..[*,*,*,*]..[*,*,*,*]..[*,*,*,*]) > 1]",
  `$${"[*,*]".repeat(5)}${"..[*,*]".repeat(20)}`,
])("find() leaves the main loop turning when the path is %s, and answers the next", async (written) => {
  const clock = new TestClock();
  const { gate, overran } = gateWith(clock);
  let outcome: Outcome<FoundNodes> | undefined;
  const finding = gate.find(compiled(written), ALL, queueOf(300));
  expect(finding).toBeInstanceOf(Promise);
  void Promise.resolve(finding).then((result) => {
    outcome = result;
  });
  // Time passes only once per ten turns of the main loop: if the loop were held up, the path could not overrun.
  let turns = 0;
  while (outcome === undefined) {
    for (let turn = 0; turn < 10; turn++) await settle();
    if (clock.pending > 0) await clock.advance(LONGEST_RUN_MS / 10);
    turns++;
  }
  expect(turns).toBeGreaterThan(1);
  if (outcome.ok) expect(overran).toEqual([]);
  else expect([overrun, { ok: false, problem: "the path cannot be evaluated" }]).toContainEqual(outcome);
  const next = gate.find(compiled("$.records[?@.n >= 0].n"), ALL, queueOf(MAIN_THREAD_STEPS));
  expect(await next).toMatchObject({ ok: true, found: { count: MAIN_THREAD_STEPS } });
});
