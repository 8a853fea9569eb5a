import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
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

  test.each([
    "9007199254740993",
    "12345678901234567890",
    "1.0",
    "1.50",
    "1e3",
    "-0",
    "1E400",
    "-12345678901234567.10",
    "0",
    "42",
    "-7",
  ])("keeps the number %s as it was written", (number) => {
    const parsed = parseDocument(`{"records":[{"n" : [ ${number} ],"m":{"n":${number}}}]}`);
    if (!parsed.ok) throw new Error(parsed.problem);
    expect(canonicalRecord(parsed.document.records[0]!)).toBe(`{"n": [${number}], "m": {"n": ${number}}}`);
    expect(JSON.stringify(parsed.document.json)).toContain(`"n":${number}}`);
  });

  test("keeps every number as it was written, wherever it stands", () => {
    const digits = (most: number) => fc.stringMatching(new RegExp(`^(0|[1-9][0-9]{0,${most}})$`));
    const fraction = fc.stringMatching(/^\.[0-9]{1,20}$/);
    const exponent = fc.stringMatching(/^[eE][+-]?[0-9]{1,3}$/);
    const part = (arbitrary: fc.Arbitrary<string>) => fc.option(arbitrary, { nil: "" });
    const number = fc
      .tuple(part(fc.constant("-")), digits(24), part(fraction), part(exponent))
      .map((parts) => parts.join(""));
    const space = fc.stringMatching(/^[ \t\r\n]{0,3}$/);
    fc.assert(
      fc.property(number, number, space, space, (one, other, before, after) => {
        const text = `{"records":[{"a"${after}:${before}${one}${after},"b":[${before}true${after},${before}${other}${after}]}]}`;
        const parsed = parseDocument(text);
        if (!parsed.ok) throw new Error(parsed.problem);
        expect(canonicalRecord(parsed.document.records[0]!)).toBe(`{"a": ${one}, "b": [true, ${other}]}`);
      }),
      { numRuns: 500 },
    );
  });

  test.each([
    ["an address", "https://platform.example/restapi/v1.0/account/1"],
    ["a date", "2026-01-02T03:04:05.060Z"],
    ["a long id", "12345678901234567890"],
  ])("parses once when %s stands beside a plain number", (_what, text) => {
    const parse = vi.spyOn(JSON, "parse");
    try {
      expect(parseDocument(`{"records":[{"n": 42, "text": "${text}"}]}`)).toMatchObject({ ok: true });
      expect(parse).toHaveBeenCalledTimes(1);
    } finally {
      parse.mockRestore();
    }
  });
});
