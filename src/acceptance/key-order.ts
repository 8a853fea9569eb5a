import { RECORD_KEYS } from "./canonical.ts";
import { type PatternToken, tokenize } from "./pattern-tokens.ts";

// "extension" and "member" begin other names too, so they count only as whole keys.
const KEYS = new RegExp(
  RECORD_KEYS.map((key) => (key === "extension" || key === "member" ? `"${key}"` : `${key}(?![A-Za-z])`)).join("|"),
  "g",
);

/**
 * The first two keys that a pattern wants in an order in which no record has them, first the one that it names first;
 * undefined when there are none. Alternatives are looked at each by itself, and a brace begins another record.
 */
export function keysAgainstOrder(pattern: string): readonly [string, string] | undefined {
  // Rank reached so far, -1 for none; per open group the rank at its start and the highest at the end of a branch.
  let rank = -1;
  const groups = [{ start: -1, highest: -1 }];
  for (const part of partsOf(tokenize(pattern).tokens)) {
    const group = groups.at(-1)!;
    if (part === "open") groups.push({ start: rank, highest: rank });
    else if (part === "bar") {
      group.highest = Math.max(group.highest, rank);
      rank = group.start;
    } else if (part === "close") {
      rank = Math.max(group.highest, rank);
      if (groups.length > 1) groups.pop();
    } else if (part === "brace") rank = -1;
    else {
      for (const [found] of part.text.matchAll(KEYS)) {
        const next = RECORD_KEYS.findIndex((key) => found.includes(key));
        if (next < rank) return [RECORD_KEYS[rank]!, RECORD_KEYS[next]!];
        rank = next;
      }
    }
  }
  return undefined;
}

type Part = "open" | "close" | "bar" | "brace" | { text: string };

/** The marks that matter, and between them the literal text. */
function* partsOf(tokens: readonly PatternToken[]): Generator<Part> {
  let text = "";
  for (const { kind, char } of tokens) {
    if (kind === "literal" && char !== "{" && char !== "}") {
      text += char;
      continue;
    }
    if (text !== "") yield { text };
    text = "";
    if (kind === "open" || kind === "close" || kind === "bar") yield kind;
    else if (kind === "literal") yield "brace";
  }
  if (text !== "") yield { text };
}
