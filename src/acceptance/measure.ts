import type { JsonPathType, RegexType } from "./criterion.ts";
import type { FoundNodes } from "./path-search.ts";
import type { Found } from "./search.ts";

/** The number that is compared, or why there is none. */
export type Measured = { readonly number: number } | { readonly problem: string };

/** What a pattern measures by what it found. */
export function measurePattern(type: RegexType, { count, captured }: Found): Measured {
  if (type === "COUNT") return { number: count };
  if (type === "MATCH") return { number: Math.min(count, 1) };
  if (captured === undefined) return { problem: "the pattern captured nothing" };
  const number = numberFrom(captured);
  return number === undefined ? { problem: "what the pattern captured is not a number" } : { number };
}

/** Nodes that have to be found before it is known what a path measures. */
export const NODES_NEEDED: Readonly<Record<JsonPathType, number>> = {
  COUNT: Number.POSITIVE_INFINITY,
  EXISTS: 1,
  // A second one decides that there is not exactly one.
  NUMBER: 2,
  BOOLEAN: 2,
};

/** What a path measures by the nodes it found. */
export function measureNodes(type: JsonPathType, { count, value }: FoundNodes): Measured {
  if (type === "COUNT") return { number: count };
  if (type === "EXISTS") return { number: Math.min(count, 1) };
  if (count === 0) return { problem: "the path finds nothing" };
  if (count > 1) return { problem: "the path finds more than one node" };
  if (type === "BOOLEAN") {
    return typeof value === "boolean"
      ? { number: value ? 1 : 0 }
      : { problem: "what the path finds is not true or false" };
  }
  if (typeof value !== "number") return { problem: "what the path finds is not a number" };
  return Number.isFinite(value) ? { number: value } : { problem: "the number that the path finds is too large" };
}

function numberFrom(text: string): number | undefined {
  if (!/^\s*[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?\s*$/.test(text)) return undefined;
  const number = Number(text);
  return Number.isFinite(number) ? number : undefined;
}
