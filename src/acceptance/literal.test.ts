import fc from "fast-check";
import { RE2JS } from "re2js";
import { describe, expect, test } from "vitest";
import { type Finder, literalFinder, literalOf } from "./literal.ts";
import { tokenize } from "./pattern-tokens.ts";
import { compileRegex } from "./regex.ts";
import { locate, type SearchTask, search } from "./search.ts";

const TASKS: readonly SearchTask[] = ["RECORDS", "COUNT", "MATCH"];
const unlimited = () => true;

const literal = (pattern: string) => literalOf(tokenize(pattern).tokens);

/** All that a search can tell of these texts. */
const everything = (finder: Finder, texts: readonly string[]) => ({
  found: TASKS.map((task) => search(finder, task, texts, unlimited)),
  located: locate(finder, texts, 1000, unlimited),
});

function compiles(pattern: string): RE2JS | undefined {
  try {
    return RE2JS.compile(pattern);
  } catch {
    return undefined;
  }
}

describe("literalOf()", () => {
  test.each([
    ['"acceptCurrentQueueCalls": true', '"acceptCurrentQueueCalls": true'],
    ['\\"a\\x22\\x{3a} \\.\\{\\}\\[', '"a": .{}['],
    ["\\Qa.*\\E\\t\\101é\\x{2028}", "a.*\tAé\u2028"],
    ["a{,2}{]}", "a{,2}{]}"],
    ["x".repeat(250), "x".repeat(250)],
  ])("is the one text that %j matches", (pattern, text) => {
    expect(literal(pattern)).toBe(text);
    expect(RE2JS.compile(pattern).testExact(text)).toBe(true);
  });

  test.each([
    "a.c",
    "a*",
    "\\Qab\\E+",
    "a{2}",
    "a|b",
    "(a)",
    "(?:a)",
    "[a]",
    "^a",
    "a$",
    "\\ba",
    "\\Aa",
    "a\\z",
    "\\d",
    "\\pL",
    "(?i)true",
    "tr(?i:u)e",
    "(?s)a",
    "\\x{d800}",
    "\\x{d83d}\\x{de00}",
    "😀",
    "",
    "x".repeat(251),
  ])("is nothing for %j", (pattern) => {
    expect(literal(pattern)).toBeUndefined();
  });
});

// What patterns are made of: mostly what stands for one character, and what may change that.
const CHARACTERS = [..." \n\ufffd", ...String.raw`a A aa b " \" \x22 \x{22} : , \n é \x{e9}`.split(" ")];
const ESCAPES = String.raw`\. \\ \[ \Q.\E \Qa*\E \Q \E { } ] {,2} \141 \x61 \a \-`.split(" ");
const OTHERS = String.raw`. * + ? {2} | ( ) (?i) (?: [ab] ^ $ \b \s \pL \8 \_`.split(" ");
const SURROGATES = ["😀", "\ud83d", "\ude00", "\\x{1f600}", "\\x{d83d}", "\\x{de00}"];
const TEXTS = [...'aAb": \né\ufffd.*\\[{😀', "\ud83d", "\ude00"];

const patterns = fc
  .array(
    fc.oneof(
      { weight: 6, arbitrary: fc.constantFrom(...CHARACTERS) },
      { weight: 3, arbitrary: fc.constantFrom(...ESCAPES) },
      { weight: 1, arbitrary: fc.constantFrom(...OTHERS) },
      { weight: 1, arbitrary: fc.constantFrom(...SURROGATES) },
    ),
    { minLength: 1, maxLength: 5 },
  )
  .map((parts) => parts.join(""));

/** Texts in which a literal stands often, also overlapping itself and beside halves of it. */
function textsWith(literal: string): fc.Arbitrary<string[]> {
  const parts = fc.oneof(
    fc.constantFrom(literal, literal.slice(0, 1), literal.slice(1), literal.slice(0, -1)),
    fc.constantFrom(...TEXTS),
  );
  return fc.array(
    fc.array(parts, { maxLength: 20 }).map((chosen) => chosen.join("")),
    { maxLength: 4 },
  );
}

describe("literalFinder()", () => {
  test("finds in every text what RE2 finds, wherever a pattern is taken for a literal", () => {
    let taken = 0;
    const cases = patterns.chain((pattern) => fc.tuple(fc.constant(pattern), textsWith(literal(pattern) ?? "a")));
    fc.assert(
      fc.property(cases, ([pattern, texts]) => {
        const re = compiles(pattern);
        const text = literal(pattern);
        if (re === undefined || text === undefined) return;
        taken++;
        expect(everything(literalFinder(text), texts)).toEqual(everything(re, texts));
      }),
      { numRuns: 3000 },
    );
    expect(taken).toBeGreaterThan(500);
  });

  test("finds what the engine finds when a pattern was written for canonical text", () => {
    const texts = ['{"a": true, "b": "\\"a\\": true"}', '{"a": true,\n"a": true}', '{"a": truetrue}', ""];
    for (const written of ['"a":true', '"a"\\s*:\\s*true', "\\Qa\\E", "(?i)TRUE", '"a": tru[e]']) {
      const compiled = compileRegex(written, true);
      if (!compiled.ok) throw new Error(compiled.description);
      expect(everything(compiled.pattern.finder, texts)).toEqual(
        everything(RE2JS.compile(compiled.pattern.used), texts),
      );
    }
  });
});
