import { type PatternToken, tokenize } from "./pattern-tokens.ts";

const WHITE_SPACE_ATOMS: ReadonlySet<string> = new Set([
  " ",
  "\t",
  "\n",
  "\r",
  "\\s",
  "\\t",
  "\\n",
  "\\r",
  "\\x20",
  "[ ]",
  "[\\s]",
]);

/**
 * The pattern that means on canonical text what the pattern as written means on JSON in any layout. Outside character
 * classes:
 * 1. a quote, any closing parentheses, white space, a colon and white space become the quote, the parentheses and ": ";
 * 2. a comma and white space become ", " before a quote and ",\s" before an opening brace (records stand on lines of
 *    their own);
 * 3. white space just inside a bracket is dropped.
 * White space is any run of blanks and their spellings, each with its quantifier.
 */
export function normalisePattern(pattern: string): string {
  const { tokens, endsQuoted } = tokenize(pattern);
  const out: PatternToken[] = [];
  let at = 0;
  while (at < tokens.length) {
    const token = tokens[at]!;
    if (is(token, '"')) {
      let end = at + 1;
      while (isClosing(tokens[end])) end++;
      const colon = afterWhiteSpace(tokens, end);
      if (is(tokens[colon], ":")) {
        out.push(...tokens.slice(at, end), as(":", token.quoted), as(" ", token.quoted));
        at = afterWhiteSpace(tokens, colon + 1);
        continue;
      }
    }
    const after = afterWhiteSpace(tokens, at + 1);
    if (is(token, ",") && is(tokens[after], '"')) {
      out.push(token, as(" ", token.quoted));
      at = after;
    } else if (is(token, ",") && is(tokens[after], "{")) {
      out.push(token, { kind: "atom", text: "\\s", quoted: false, quantifier: "" });
      at = after;
    } else if (is(token, "{", "[")) {
      out.push(token);
      at = after;
    } else if (isWhiteSpace(token) && is(tokens[after], "}", "]")) {
      at = after;
    } else {
      out.push(token);
      at++;
    }
  }
  return print(out, endsQuoted);
}

/** A literal of one of these characters, itself not quantified. */
function is(token: PatternToken | undefined, ...chars: string[]): boolean {
  return token?.kind === "literal" && token.quantifier === "" && chars.includes(token.char!);
}

function isClosing(token: PatternToken | undefined): boolean {
  return token?.kind === "close" && token.quantifier === "";
}

function isWhiteSpace(token: PatternToken | undefined): boolean {
  return token !== undefined && WHITE_SPACE_ATOMS.has(token.text);
}

function afterWhiteSpace(tokens: readonly PatternToken[], from: number): number {
  let at = from;
  while (isWhiteSpace(tokens[at])) at++;
  return at;
}

function as(char: string, quoted: boolean): PatternToken {
  return { kind: "literal", text: char, char, quoted, quantifier: "" };
}

function print(tokens: readonly PatternToken[], endsQuoted: boolean): string {
  let text = "";
  let quoted = false;
  const quote = (want: boolean): void => {
    if (want !== quoted) text += want ? "\\Q" : "\\E";
    quoted = want;
  };
  for (const token of tokens) {
    quote(token.quoted);
    text += token.text;
    if (token.quantifier !== "") quote(false);
    text += token.quantifier;
  }
  quote(endsQuoted);
  return text;
}
