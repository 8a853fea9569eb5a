import { describe, expect, test } from "vitest";
import { compileRegex } from "./regex.ts";

const reasonOf = (pattern: string) => {
  const compiled = compileRegex(pattern, true);
  return compiled.ok ? "ok" : `${compiled.reason}: ${compiled.description}`;
};

describe("compileRegex()", () => {
  test.each([
    ["", "REQUIRED: is empty, expected 1 to 512 bytes"],
    ["x".repeat(513), "TOO_LONG: is 513 bytes long, expected 1 to 512 bytes"],
    ["é".repeat(257), "TOO_LONG: is 514 bytes long, expected 1 to 512 bytes"],
    ["a(?=b)", 'LOOK_AROUND_NOT_SUPPORTED: uses the look-ahead "(?=", which RE2 syntax does not have'],
    ["a(?!b)", 'LOOK_AROUND_NOT_SUPPORTED: uses the look-ahead "(?!", which RE2 syntax does not have'],
    ["(?<=a)b", 'LOOK_AROUND_NOT_SUPPORTED: uses the look-behind "(?<=", which RE2 syntax does not have'],
    ["(?<!a)b", 'LOOK_AROUND_NOT_SUPPORTED: uses the look-behind "(?<!", which RE2 syntax does not have'],
    ["(a)\\1", 'BACK_REFERENCE_NOT_SUPPORTED: uses the back-reference "\\1", which RE2 syntax does not have'],
    ["(?<n>a)\\k<n>", 'BACK_REFERENCE_NOT_SUPPORTED: uses the back-reference "\\k<n>", which RE2 syntax does not have'],
    [
      "(?P<n>a)(?P=n)",
      'BACK_REFERENCE_NOT_SUPPORTED: uses the back-reference "(?P=n)", which RE2 syntax does not have',
    ],
    ["(a", 'INVALID_PATTERN: is not a pattern in RE2 syntax: missing closing ): "(a"'],
    ["[a", 'INVALID_PATTERN: is not a pattern in RE2 syntax: missing closing ]: "[a"'],
    ["a++", 'INVALID_PATTERN: is not a pattern in RE2 syntax: invalid nested repetition operator: "++"'],
    ["(?>a)", 'INVALID_PATTERN: is not a pattern in RE2 syntax: invalid or unsupported Perl syntax: "(?>"'],
    ["(?:ab){300}", "PROGRAM_TOO_LARGE: compiles to 602 instructions, expected 512 at most"],
    ["(?:\\pL{1000}|x){2}a{1000}", "PROGRAM_TOO_LARGE: compiles to at least 3000 instructions, expected 512 at most"],
    ["a*", "MATCHES_EMPTY_TEXT: matches the empty text, which is everywhere"],
  ])("refuses %.30j and says why", (pattern, why) => {
    expect(reasonOf(pattern)).toBe(why);
  });

  test.each(["", "^", "$", "\\b", "\\B", "(?m)^", "a|", "(?:)", "x{0}", "\\z", "\\ba?"].slice(1))(
    "refuses %j because it matches the empty text",
    (pattern) => {
      expect(reasonOf(pattern)).toMatch(/^MATCHES_EMPTY_TEXT/);
    },
  );

  test.each([
    "\\Q(?=a)\\1\\E",
    "[(?=]a",
    "\\(\\?=a",
    "\\\\1",
    "a\\12b",
    "(?P<name>a)",
    "(?i)a",
    "x".repeat(510),
    "a{0,200}b",
  ])("accepts %.30j", (pattern) => {
    expect(reasonOf(pattern)).toBe("ok");
  });

  test("shares one compiled pattern among equal patterns", () => {
    expect(compileRegex('"shared":true', true)).toBe(compileRegex('"shared":true', true));
  });

  test("normalises unless told not to", () => {
    expect(compileRegex('"a":true', true)).toMatchObject({ pattern: { written: '"a":true', used: '"a": true' } });
    expect(compileRegex('"a":true', false)).toMatchObject({ pattern: { written: '"a":true', used: '"a":true' } });
  });
});
