import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { canonicalBody, canonicalRecord, RECORD_KEYS, selectRecords } from "./canonical.ts";
import { type PresenceDocument, parseDocument } from "./document.ts";
import type { JsonObject } from "./json.ts";
import { LAYOUTS, printIn } from "./layouts.ts";

function documentOf(text: string): PresenceDocument {
  const parsed = parseDocument(text);
  if (!parsed.ok) throw new Error(parsed.problem);
  return parsed.document;
}

const bodyOf = (document: PresenceDocument) => canonicalBody(document, document.records.map(canonicalRecord)).text;

describe("canonicalRecord()", () => {
  test("prints the known keys first, in their order, and the rest as received", () => {
    const record = {
      zeta: [1, { b: null, a: [] }],
      telephonyStatus: "NoCall",
      acceptCurrentQueueCalls: true,
      alpha: {},
      extension: { extensionNumber: "1", id: "2" },
      member: { telephonyStatus: 1, extension: 2 },
    };
    expect(canonicalRecord(record)).toBe(
      '{"extension": {"extensionNumber": "1", "id": "2"}, "member": {"telephonyStatus": 1, "extension": 2}, ' +
        '"acceptCurrentQueueCalls": true, "telephonyStatus": "NoCall", "zeta": [1, {"b": null, "a": []}], "alpha": {}}',
    );
  });

  test("keeps what looks like JSON inside a string apart when a name contains it", () => {
    expect(canonicalRecord({ name: 'x "a": true\\\n\u0001é\ud800' })).toBe(
      '{"name": "x \\"a\\": true\\\\\\n\\u0001é\\ud800"}',
    );
  });

  test("prints keys as they are when there are more of them than are kept", () => {
    const many = Object.fromEntries(
      Array.from({ length: 3000 }, (_, index) => [`key "${index}"`.padEnd(index), index]),
    );
    const printed = Object.keys(many).map((key) => `${JSON.stringify(key)}: ${many[key]}`);
    for (let times = 0; times < 2; times++) expect(canonicalRecord(many)).toBe(`{${printed.join(", ")}}`);
  });

  test("keeps a key called __proto__", () => {
    expect(canonicalRecord(JSON.parse('{"__proto__":{"a":1}}'))).toBe('{"__proto__": {"a": 1}}');
  });
});

test("canonicalBody() gives each record a line, nothing inside brackets and other keys as received", () => {
  const document = documentOf(
    '{ "uri": "u", "records": [ {"b":1,"member":{}}, {} ], "paging": { "page": 1 }, "x": [ ] }',
  );
  expect(bodyOf(document)).toBe(
    '{"uri": "u", "records": [{"member": {}, "b": 1},\n{}], "paging": {"page": 1}, "x": []}',
  );
  expect(bodyOf(documentOf('{"records":[]}'))).toBe('{"records": []}');
});

test("canonicalBody() is the same over all layouts when the JSON is the same", () => {
  const record = fc.dictionary(
    fc.oneof(fc.constantFrom(...RECORD_KEYS), fc.string({ unit: "binary" })),
    fc.jsonValue({ maxDepth: 3 }),
  );
  const answer = fc.record({ uri: fc.string(), records: fc.array(record), paging: fc.jsonValue({ maxDepth: 2 }) });
  fc.assert(
    fc.property(answer, (json) => {
      const printed = LAYOUTS.map((layout) => documentOf(printIn(layout, json as unknown as JsonObject)));
      const [first, ...others] = printed.map((document) => [bodyOf(document), document.records.map(canonicalRecord)]);
      for (const other of others) expect(other).toEqual(first);
      expect(JSON.parse(first![0] as string)).toEqual(JSON.parse(JSON.stringify(json)));
    }),
    { numRuns: 200 },
  );
});

describe("selectRecords()", () => {
  const document = documentOf(
    JSON.stringify({
      records: [
        { member: { extensionNumber: "101" }, extension: { extensionNumber: "999" } },
        { member: { id: "x" }, extension: { extensionNumber: "102" } },
        { extension: { extensionNumber: 103 } },
        { member: null, extension: "104" },
        {},
      ],
    }),
  );
  const selected = (...numbers: string[]) =>
    selectRecords(document, new Set(numbers)).map((record) => document.records.indexOf(record));

  test("takes the member's number, else the extension's", () => {
    expect(selected("101", "102", "103", "104")).toEqual([0, 1, 2]);
    expect(selected("999")).toEqual([]);
  });

  test("takes all when no number is listed", () => {
    expect(selected()).toEqual([0, 1, 2, 3, 4]);
  });
});
