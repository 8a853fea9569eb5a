import { describe, expect, test } from "vitest";
import { compileIRegexp } from "./iregexp.ts";

function matches(pattern: string, text: string, whole = true): boolean | string {
  const compiled = compileIRegexp(pattern, whole);
  return compiled.ok ? compiled.program.re.test(text) : compiled.problem;
}

describe("compileIRegexp() matches", () => {
  test.each([
    ["a.*", "ab", true],
    ["a.*", "xab", false],
    ["a|bc", "bc", true],
    ["a|bc", "ac", false],
    [".", "\u2028", true],
    [".", "\n", false],
    [".", "\r", false],
    ["a.b", "a\u{10101}b", true],
    ["a[.b]c", "a.c", true],
    ["a[.b]c", "axc", false],
    ["a\\.c", "abc", false],
    ["a\\\\.c", "a\\\u2028c", true],
    ["a\\[.c", "a[\u2028c", true],
    ["a[\\].]c", "a]c", true],
    ["[^a-c]+", "xyz", true],
    ["[^a-c]+", "xbz", false],
    ["[-a]+-", "-a-", true],
    ["\\p{Lu}\\P{Lu}", "Жж", true],
    ["(ab){2,3}", "ababab", true],
    ["(ab){2}", "ababab", false],
    ["^ab.*$", "abc", true],
    ["^ab", "abc", false],
    ["", "", true],
    ["()", "", true],
  ])("%j against the whole of %j: %s", (pattern, text, result) => {
    expect(matches(pattern, text)).toBe(result);
  });

  test("anywhere when the text need not match as a whole", () => {
    expect(matches("b.?b", "xxbabxx", false)).toBe(true);
    expect(matches("^b", "ab", false)).toBe(false);
  });
});

describe("compileIRegexp() refuses", () => {
  test.each([
    ["\\d", '"\\d" at character 1'],
    ["a(?:b)", '"?:" at character 3'],
    ["a**", '"*" at character 3'],
    ["[a", '"[a" at character 1'],
    ["a]", '"]" at character 2'],
    ["a{,2}", '"{," at character 2'],
    ["(a", "it ends inside a group"],
    ["a)", '")" at character 2'],
    ["(?i)a", '"?i" at character 2'],
    ["a+?", '"?" at character 3'],
    ["\\p{Greek}", '"\\p" at character 1'],
  ])("%j, which RFC 9485 does not know", (pattern, what) => {
    expect(compileIRegexp(pattern, true)).toEqual({
      ok: false,
      valid: false,
      problem: `is not an I-Regexp of RFC 9485: ${what}`,
    });
  });

  test.each(["(a{30}){30}", "(a{400}){400}", "a{1001}", "x".repeat(513)])("%j, which cannot run here", (pattern) => {
    expect(compileIRegexp(pattern, false)).toMatchObject({ ok: false, valid: true });
  });
});
