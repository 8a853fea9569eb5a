import fc from "fast-check";
import { RE2JS } from "re2js";
import { describe, expect, test } from "vitest";
import { normalisePattern } from "./normalise.ts";

describe("normalisePattern()", () => {
  test.each([
    // a quote, closing parentheses, white space, a colon, white space
    ['"a":true', '"a": true'],
    ['"a" : true', '"a": true'],
    ['"a"\\s*:\\s*true', '"a": true'],
    ['"a":\\s+true', '"a": true'],
    ['\\"a\\":true', '\\"a\\": true'],
    ["\\x22a\\x22:true", "\\x22a\\x22: true"],
    ['"a"[ ]*:[\\s]{0,2}?true', '"a": true'],
    ['"a"\\x20?\\t*?\\n\\r:\\s{1,}true', '"a": true'],
    ['"a"\n  :\ttrue', '"a": true'],
    ['("a"|(b")) :(true)', '("a"|(b")): (true)'],
    ['"a"\\s*\\:true', '"a": true'],
    // a comma and white space
    ['true,"b"', 'true, "b"'],
    ['true,\\s*\\"b', 'true, \\"b'],
    ["},{", "},\\s{"],
    ["\\},\\s*\\n\\{", "\\},\\s\\{"],
    ["1,2", "1,2"],
    ["1,\\s*2", "1,\\s*2"],
    // just inside a bracket
    ["\\{\\s*a\\s*\\}", "\\{a\\}"],
    ["\\[ a ]", "\\[a]"],
    ['\\[\\s*\\{\\s*"a', '\\[\\{"a'],
    ["\\[\\s*\\]", "\\[\\]"],
    ["{ a }", "{a}"],
    ["\\} \\{", "\\} \\{"],
    // left alone
    ['["] : ', '["] : '],
    ['[:"] :[^" : ]', '[:"] :[^" : ]'],
    ['"?:true', '"?:true'],
    ['("a")?:true', '("a")?:true'],
    ['"a":*true', '"a":*true'],
    ['"a" [\\t ]*:true', '"a" [\\t ]*:true'],
    ["a:b", "a:b"],
    ["a{2, 3}", "a{2, 3}"],
    ["a{2,3}:", "a{2,3}:"],
    ['[]" :]:', '[]" :]:'],
    ['[[:alpha:]" :]', '[[:alpha:]" :]'],
    ['(?s)"a: .*"', '(?s)"a: .*"'],
    ['\\\\"a', '\\\\"a'],
    ['(?P<n>")', '(?P<n>")'],
    ["\\p{Lu}: \\d", "\\p{Lu}: \\d"],
    // literal text between \Q and \E
    ['\\Q"a":true\\E', '\\Q"a": true\\E'],
    ['\\Q"a"\\E\\s*:\\s*\\Qtrue', '\\Q"a": true'],
    ["\\Q},{\\E", "\\Q},\\E\\s\\Q{\\E"],
    ['\\Q"a" : [x]*\\E+', '\\Q"a": [x]*\\E+'],
    ["\\Q\\s*:\\E", "\\Q\\s*:\\E"],
  ])("turns %j into %j", (written, used) => {
    expect(normalisePattern(written)).toBe(used);
  });

  const piece = fc.constantFrom(
    ...[
      '"',
      '\\"',
      "\\x22",
      ")",
      "(",
      "(?:",
      " ",
      "\\s*",
      "\\s+?",
      "\\t",
      "[ ]?",
      "[\\s]{2}",
      ":",
      ":?",
      "\\:",
      ",",
      ",+",
    ],
    ...[
      "{",
      "}",
      "\\{",
      "\\}",
      "\\[",
      "\\]",
      "]",
      "a",
      "a*",
      ".",
      "|",
      "^",
      "\\b",
      '[a" :]',
      "\\Q",
      "\\E",
      "{2}",
      "\\\\",
    ],
  );
  const pattern = fc.array(piece, { maxLength: 14 }).map((pieces) => pieces.join(""));
  const valid = (text: string) => {
    try {
      return RE2JS.compile(text);
    } catch {
      return undefined;
    }
  };

  test("changes nothing when the pattern is normalised already", () => {
    fc.assert(
      fc.property(pattern, (written) => {
        fc.pre(valid(written) !== undefined);
        const used = normalisePattern(written);
        expect(normalisePattern(used)).toBe(used);
      }),
      { numRuns: 5000 },
    );
  });

  test("gives a pattern that compiles to the same groups when the pattern as written compiles", () => {
    fc.assert(
      fc.property(pattern, (written) => {
        const compiled = valid(written);
        fc.pre(compiled !== undefined);
        expect(valid(normalisePattern(written))?.groupCount()).toBe(compiled.groupCount());
      }),
      { numRuns: 3000 },
    );
  });

  test("finds two neighbouring members in canonical text, however their white space is spelled", () => {
    const space = fc.constantFrom("", " ", "\\s*", "\\s*?", "[ ]*", "[\\s]?", " ?", "\\x20*", "\\s{0,9}");
    const quote = fc.constantFrom('"', '\\"', "\\x22");
    fc.assert(
      fc.property(fc.array(space, { minLength: 8, maxLength: 8 }), quote, (s, q) => {
        const key = (name: string) => q + name + q;
        const written =
          `\\{${s[0]}${key("acceptQueueCalls")}${s[1]}:${s[2]}true,${s[3]}` +
          `${key("acceptCurrentQueueCalls")}${s[4]}:${s[5]}(true|false)${s[6]}\\}${s[7]}`;
        const text = '{"acceptQueueCalls": true, "acceptCurrentQueueCalls": false}';
        expect(valid(normalisePattern(written))!.test(text)).toBe(!/^( |\\x20)$/.test(s[7]!));
      }),
    );
  });
});
