import type { JsonObject } from "./json.ts";
import type { JsonPath } from "./json-path.ts";
import type { Spend } from "./path-bounds.ts";

export interface FoundNodes {
  /** Nodes found, up to where the search stopped. */
  readonly count: number;
  /** What the first one is, if it is a number or a truth value. */
  readonly value?: number | boolean;
  /** Positions of the records in which nodes lie. */
  readonly records: readonly number[];
}

/** Follows a path until `most` nodes are found, on whichever thread it is called; ends by throwing when `spend` does. */
export function findNodes(path: JsonPath, most: number, json: JsonObject, spend: Spend): FoundNodes {
  let count = 0;
  let value: number | boolean | undefined;
  const records = new Set<number>();
  path.each(json, spend, (node) => {
    if (count === 0 && (typeof node.value === "number" || typeof node.value === "boolean")) value = node.value;
    const [first, second] = node.location;
    if (first === "records" && typeof second === "number") records.add(second);
    return ++count < most;
  });
  return { count, ...(value === undefined ? {} : { value }), records: [...records] };
}
