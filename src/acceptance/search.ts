import type { Finder } from "./literal.ts";

/** What is looked for: which texts match, how many matches there are, whether there is one, or what the first one captured. */
export type SearchTask = "RECORDS" | "COUNT" | "MATCH" | "CAPTURE";

export interface Found {
  /** RECORDS: positions of the texts with a match, rising. */
  readonly matched: readonly number[];
  /** RECORDS: texts with a match; COUNT: matches that do not overlap, in all texts; MATCH, CAPTURE: 1 or 0. */
  readonly count: number;
  /** CAPTURE: the first match's one group; absent when nothing matched or the group took no part. */
  readonly captured?: string;
}

/**
 * Searches texts for a pattern, on whichever thread it is called. One find cannot be interrupted, so `mayGoOn` is asked
 * before each, with the characters it will search at most; undefined when that said no.
 */
export function search(
  re: Finder,
  task: SearchTask,
  texts: readonly string[],
  mayGoOn: (chars: number) => boolean,
): Found | undefined {
  if (task === "RECORDS" || task === "MATCH") {
    const matched: number[] = [];
    for (const [index, text] of texts.entries()) {
      if (!mayGoOn(text.length)) return undefined;
      if (re.test(text)) matched.push(index);
      if (task === "MATCH" && matched.length > 0) break;
    }
    return { matched, count: matched.length };
  }
  let count = 0;
  for (const text of texts) {
    const matcher = re.matcher(text);
    let from = 0;
    for (;;) {
      if (!mayGoOn(text.length - from)) return undefined;
      if (!matcher.find()) break;
      count++;
      if (task === "CAPTURE") {
        const captured = matcher.group(1);
        return captured === null ? { matched: [], count } : { matched: [], count, captured };
      }
      from = matcher.end();
    }
  }
  return { matched: [], count };
}

export interface Located {
  /** Positions of the texts with a match, rising. */
  readonly matched: readonly number[];
  /** Matches that do not overlap, in order: position of the text, start and end in it (UTF-16 units). */
  readonly spans: readonly (readonly [text: number, start: number, end: number])[];
}

/** Finds where the matches are, `most` of them at most, and which texts have one; undefined when `mayGoOn` said no. */
export function locate(
  re: Finder,
  texts: readonly string[],
  most: number,
  mayGoOn: (chars: number) => boolean,
): Located | undefined {
  const matched: number[] = [];
  const spans: [number, number, number][] = [];
  for (const [index, text] of texts.entries()) {
    const matcher = re.matcher(text);
    let from = 0;
    for (let matches = 0; ; matches++) {
      if (!mayGoOn(text.length - from)) return undefined;
      if (!matcher.find()) break;
      if (matches === 0) matched.push(index);
      if (spans.length >= most) break;
      spans.push([index, matcher.start(), matcher.end()]);
      from = matcher.end();
    }
  }
  return { matched, spans };
}
