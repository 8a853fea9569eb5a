import { RE2JS } from "re2js";
import type { RegexCriterion } from "./criterion.ts";
import type { JsonObject } from "./json.ts";
import type { JsonPath } from "./json-path.ts";
import { findNodes } from "./path-search.ts";
import { sampleAnswers } from "./samples.ts";
import { type Found, type SearchTask, search } from "./search.ts";

// A try-out is work of one Configure on the main thread; a pattern or path too costly for it is simply not tried.
const TRY_OUT_WORK = 4_000_000;
const TRY_OUT_STEPS = 10_000;

/**
 * Whether the layout of an answer matters to a pattern, found by trying it on sample answers in four layouts: for
 * RECORDS and BODY, as written it finds in one of them something else than as used in the canonical text; for RAW, it
 * finds different things in different layouts.
 */
export function dependsOnLayout({ pattern, scope, type }: RegexCriterion): boolean {
  const written = RE2JS.compile(pattern.written);
  const task: SearchTask = scope === "RECORDS" ? "RECORDS" : type;
  let left = TRY_OUT_WORK;
  const find = (re: RE2JS, texts: readonly string[]): Found | undefined =>
    search(re, task, texts, (chars) => {
      left -= (chars + 1) * pattern.programSize;
      return left >= 0;
    });
  for (const { canonical, layouts } of sampleAnswers()) {
    const textsOf = (sample: typeof canonical) => (scope === "RECORDS" ? sample.records : [sample.body]);
    const used = scope === "RAW" ? find(written, textsOf(layouts[0]!)) : find(pattern.re, textsOf(canonical));
    for (const layout of layouts) {
      const there = find(written, textsOf(layout));
      if (used === undefined || there === undefined) return false;
      // A pattern written for one layout finds nothing in the others; that is what normalising is for.
      const foreign = scope !== "RAW" && there.count === 0;
      if (!foreign && !same(used, there)) return true;
    }
  }
  return false;
}

/** Whether a path finds a node; false when finding out takes too long. */
export function finds(path: JsonPath, json: JsonObject): boolean {
  let left = TRY_OUT_STEPS;
  try {
    const { count } = findNodes(path, 1, json, (steps) => {
      left -= steps;
      if (left < 0) throw new Error("the try-out took too long");
    });
    return count > 0;
  } catch {
    return false;
  }
}

function same(one: Found, other: Found): boolean {
  return (
    one.count === other.count &&
    one.captured === other.captured &&
    one.matched.every((index, position) => index === other.matched[position])
  );
}
