import fc from "fast-check";
import { expect, test } from "vitest";
import { canonicalRecord } from "./canonical.ts";
import type { JsonObject } from "./json.ts";
import { recordTexts } from "./record-texts.ts";

/** Records, and how often each was printed. */
function counted(...names: string[]) {
  const prints = names.map(() => 0);
  const records = names.map((name, index): JsonObject => {
    const record = { name };
    Object.defineProperty(record, "seen", { enumerable: true, get: () => ++prints[index]! > 0 });
    return record;
  });
  return { records, prints };
}

test("recordTexts() prints each record", () => {
  expect(recordTexts([])).toEqual([]);
  expect(recordTexts([{ b: 1 }, { acceptQueueCalls: true }])).toEqual(['{"b": 1}', '{"acceptQueueCalls": true}']);
});

test.each([
  ["one in the middle", ["a", "new", "c"]],
  ["the first one", ["new", "b", "c"]],
  ["the last one", ["a", "b", "new"]],
  ["nothing but their number", ["a", "b"]],
])("recordTexts() prints no record again when what changes is %s", (_what, names) => {
  const { records, prints } = counted("a", "b", "c", "new");
  const [a, b, c] = records;
  recordTexts([a!, b!, c!]);
  const changed = names.map((name) => records[["a", "b", "c", "new"].indexOf(name)]!);
  expect(recordTexts(changed)).toEqual(names.map((name) => `{"name": "${name}", "seen": true}`));
  expect(Math.max(...prints)).toBe(1);
});

test("recordTexts() gives the same texts when the records are the same list", () => {
  const { records } = counted("a", "b");
  expect(recordTexts(records)).toBe(recordTexts(records));
});

test("recordTexts() is each record's canonical text whatever was printed before", () => {
  const pool = Array.from({ length: 6 }, (_, id): JsonObject => ({ id }));
  const lists = fc.array(fc.array(fc.constantFrom(...pool), { maxLength: 5 }), { maxLength: 20 });
  fc.assert(
    fc.property(lists, (lists) => {
      for (const records of lists) expect(recordTexts(records)).toEqual(records.map(canonicalRecord));
    }),
  );
});
