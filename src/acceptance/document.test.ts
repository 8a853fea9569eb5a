import { describe, expect, test } from "vitest";
import { canonicalRecord } from "./canonical.ts";
import { parseDocument } from "./document.ts";

describe("parseDocument()", () => {
  test.each([
    ["", "it is not JSON"],
    ["<html>", "it is not JSON"],
    ['{"records":[', "it is not JSON"],
    ["[]", "it is not a JSON object"],
    ["null", "it is not a JSON object"],
    ["7", "it is not a JSON object"],
    ["{}", '"records" is absent'],
    ['{"records":null}', '"records" is not an array'],
    ['{"records":{}}', '"records" is not an array'],
    ['{"records":[{},null]}', '"records[1]" is not an object'],
    ['{"records":[[]]}', '"records[0]" is not an object'],
    ['{"records":[12345678901234567890]}', '"records[0]" is not an object'],
    [`{"records":[{"a":${"[".repeat(100_000)}${"]".repeat(100_000)}}]}`, "it nests deeper than 64 levels"],
    [`{"records":${'{"a":'.repeat(100_000)}1${"}".repeat(100_000)}}`, "it nests deeper than 64 levels"],
  ])("says what is wrong when the text is %.40s", (text, state) => {
    expect(parseDocument(text)).toEqual({ ok: false, problem: `Cannot read the presence answer: ${state}` });
  });

  test("gives no records when the queue is empty", () => {
    const parsed = parseDocument('{"records":[]}');
    expect(parsed).toMatchObject({ ok: true, document: { raw: '{"records":[]}', records: [] } });
  });

  test.each(["12345678901234567890", "1.0", "1.50", "1e3", "-0", "1E400", "-12345678901234567.10", "0", "42", "-7"])(
    "keeps the number %s as it was written",
    (number) => {
      const parsed = parseDocument(`{"records":[{"n" : [ ${number} ],"m":{"n":${number}}}]}`);
      if (!parsed.ok) throw new Error(parsed.problem);
      expect(canonicalRecord(parsed.document.records[0]!)).toBe(`{"n": [${number}], "m": {"n": ${number}}}`);
      expect(JSON.stringify(parsed.document.json)).toContain(`"n":${number}}`);
    },
  );
});
