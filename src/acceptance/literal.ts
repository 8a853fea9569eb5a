import type { PatternToken } from "./pattern-tokens.ts";

// Most patterns stand for one text, and every answer has to be searched for them: that text is looked for as it is.

/** Finder is a pattern as texts are searched for it: an RE2JS, or what finds the same. */
export interface Finder {
  test(text: string): boolean;
  matcher(text: string): Matches;
}

/** The matches in a text, which do not overlap, one by one; the others tell of the one found last. */
interface Matches {
  find(): boolean;
  start(): number;
  end(): number;
  group(number: number): string | null;
}

// For longer ones a search in V8 may take the text's length times the literal's: it looks at their last 250 characters.
const LONGEST = 250;

// In RE2 one half of a surrogate pair is never found inside a pair, and a text knows no such thing.
const SURROGATE = /[\ud800-\udfff]/;

/** The one text that a pattern of these tokens matches, where it is searched for as such. */
export function literalOf(tokens: readonly PatternToken[]): string | undefined {
  let literal = "";
  for (const { kind, char, quantifier } of tokens) {
    if (kind !== "literal" || quantifier !== "") return undefined;
    literal += char;
  }
  return literal === "" || literal.length > LONGEST || SURROGATE.test(literal) ? undefined : literal;
}

/** Finds a literal where RE2JS finds the pattern that stands for it. */
export function literalFinder(literal: string): Finder {
  return {
    test: (text) => text.includes(literal),
    matcher(text) {
      let at = -1;
      return {
        find() {
          at = text.indexOf(literal, at < 0 ? 0 : at + literal.length);
          return at >= 0;
        },
        start: () => at,
        end: () => at + literal.length,
        group: () => null,
      };
    },
  };
}
