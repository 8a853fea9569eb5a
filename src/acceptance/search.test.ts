import { RE2JS } from "re2js";
import { expect, test } from "vitest";
import { type SearchTask, search } from "./search.ts";

/** What was found in "aXbX" and "aX", and how many characters each find was asked to search. */
function trace(pattern: string, task: SearchTask, finds = 100) {
  const asked: number[] = [];
  const found = search(RE2JS.compile(pattern), task, ["aXbX", "b", "aX"], (chars) => asked.push(chars) <= finds);
  return { found, asked };
}

test("search() looks at each text once when it is for RECORDS", () => {
  expect(trace("X", "RECORDS")).toEqual({ found: { matched: [0, 2], count: 2 }, asked: [4, 1, 2] });
});

test("search() counts matches that do not overlap when it is for COUNT", () => {
  expect(trace("X", "COUNT")).toEqual({ found: { matched: [], count: 3 }, asked: [4, 2, 0, 1, 2, 0] });
});

test("search() stops at the first match when that is enough", () => {
  expect(trace("X", "MATCH")).toEqual({ found: { matched: [0], count: 1 }, asked: [4] });
  expect(trace("b", "MATCH")).toMatchObject({ asked: [4] });
  expect(trace("([ab])X", "CAPTURE")).toEqual({ found: { matched: [], count: 1, captured: "a" }, asked: [4] });
});

test("search() finds nothing captured when the group took no part", () => {
  expect(trace("X|(b)", "CAPTURE").found).toEqual({ matched: [], count: 1 });
  expect(trace("(Z)", "CAPTURE").found).toEqual({ matched: [], count: 0 });
});

test.each(["RECORDS", "COUNT"] as const)("search() gives up when it may not go on with %s", (task) => {
  expect(trace("X", task, 2)).toMatchObject({ found: undefined, asked: [4, expect.any(Number), expect.any(Number)] });
});
