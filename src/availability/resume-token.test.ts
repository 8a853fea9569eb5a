import { describe, expect, test } from "vitest";
import { hashOf, positionOf, tokenAt } from "./resume-token.ts";

const scope = { life: "oN-e_life", set: "hash" };

describe("positionOf()", () => {
  test.each([0, 1, 35, 36, 123_456_789, Number.MAX_SAFE_INTEGER])("gives back the position %d", (position) => {
    expect(positionOf(tokenAt(position, scope), scope)).toBe(position);
  });

  test.each([
    ["another life", tokenAt(7, { ...scope, life: "other" })],
    ["another set", tokenAt(7, { ...scope, set: "other" })],
    ["nothing", ""],
    ["garbage", "\u0000no token\n"],
    ["two parts", "oN-e_life.7"],
    ["four parts", "oN-e_life.7.hash.hash"],
    ["no position", "oN-e_life..hash"],
    ["a negative position", "oN-e_life.-7.hash"],
    ["a fraction", "oN-e_life.1,5.hash"],
    ["no number", "oN-e_life.NaN.hash"],
    ["a number written otherwise", "oN-e_life.07.hash"],
    ["capitals", "oN-e_life.A.hash"],
    ["a position past all positions", "oN-e_life.zzzzzzzzzzzzzzzz.hash"],
  ])("gives none for a token of %s", (_, token) => {
    expect(positionOf(token, scope)).toBeUndefined();
  });
});

describe("hashOf()", () => {
  test("is the same for the same set in any order", () => {
    expect(hashOf({ ids: new Set(["a", "b"]) })).toBe(hashOf({ ids: new Set(["b", "a"]) }));
    expect(hashOf({ selector: { a: "1", b: "2" } })).toBe(hashOf({ selector: { b: "2", a: "1" } }));
  });

  test("differs from set to set, ids and labels apart", () => {
    const sets = [
      { ids: new Set(["a"]) },
      { ids: new Set(["a", "b"]) },
      { ids: new Set(["a,b"]) },
      { selector: {} },
      { selector: { a: "b" } },
      { selector: { a: "c" } },
      { selector: { a: "b", c: "d" } },
    ];
    expect(new Set(sets.map(hashOf)).size).toBe(sets.length);
  });
});
