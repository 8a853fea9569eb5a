import fc from "fast-check";
import { expect, test } from "vitest";
import { canonicalRecord } from "./canonical.ts";
import type { PresenceDocument } from "./document.ts";
import type { JsonObject } from "./json.ts";
import { type Printed, recordTexts } from "./record-texts.ts";

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

const documentOf = (records: readonly JsonObject[], printed?: Printed): PresenceDocument => ({
  raw: "",
  json: { records },
  records,
  printed,
});
const textsOf = (document: PresenceDocument) => recordTexts(document, document.records);

test("recordTexts() prints each record", () => {
  expect(textsOf(documentOf([]))).toEqual([]);
  const document = documentOf([{ b: 1 }, { acceptQueueCalls: true }]);
  expect(textsOf(document)).toEqual(['{"b": 1}', '{"acceptQueueCalls": true}']);
  expect(recordTexts(document, document.records.slice(1))).toEqual(['{"acceptQueueCalls": true}']);
});

test.each([
  ["one in the middle", ["a", "new", "c"]],
  ["the first one", ["new", "b", "c"]],
  ["the last one", ["a", "b", "new"]],
  ["nothing but their number", ["a", "b"]],
])("recordTexts() prints no record again when what changes is %s", (_what, names) => {
  const { records, prints } = counted("a", "b", "c", "new");
  const before = documentOf(records.slice(0, 3));
  textsOf(before);
  const changed = names.map((name) => records[["a", "b", "c", "new"].indexOf(name)]!);
  expect(textsOf(documentOf(changed, before.printed))).toEqual(
    names.map((name) => `{"name": "${name}", "seen": true}`),
  );
  expect(Math.max(...prints)).toBe(1);
});

test("recordTexts() gives the same texts when the document is the same, also after some of it alone were looked at", () => {
  const document = documentOf(counted("a", "b").records);
  const texts = textsOf(document);
  recordTexts(document, document.records.slice(1));
  expect(textsOf(document)).toBe(texts);
});

test("recordTexts() is each record's canonical text whatever was printed before", () => {
  const pool = Array.from({ length: 6 }, (_, id): JsonObject => ({ id }));
  const lists = fc.array(fc.array(fc.constantFrom(...pool), { maxLength: 5 }), { maxLength: 20 });
  fc.assert(
    fc.property(lists, (lists) => {
      let printed: Printed | undefined;
      for (const records of lists) {
        const document = documentOf(records, printed);
        expect(textsOf(document)).toEqual(records.map(canonicalRecord));
        printed = document.printed;
      }
    }),
  );
});
