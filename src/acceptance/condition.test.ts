import fc from "fast-check";
import { expect, test } from "vitest";
import { CONDITION_NAMES, decide, describeNeed } from "./condition.ts";

test.each([
  ["GREATER_THAN", 1, 2, 3],
  ["GREATER_THAN_OR_EQUAL", 1, 2, 2],
  ["LESS_THAN", 2, 1, 0],
  ["LESS_THAN_OR_EQUAL", 3, 2, 2],
  ["EQUAL", 1, 2, 2],
  ["NOT_EQUAL", 2, 2, 3],
] as const)("decide() compares one number when the condition is %s", (name, no, value, yes) => {
  expect(decide(name, value, yes, yes)).toBe(true);
  expect(decide(name, value, no, no)).toBe(false);
});

test("decide() is undecided exactly when the numbers of the interval disagree", () => {
  const value = fc.oneof(fc.integer({ min: -1, max: 12 }), fc.double({ min: -1, max: 12, noNaN: true }));
  fc.assert(
    fc.property(fc.constantFrom(...CONDITION_NAMES), value, fc.nat(10), fc.nat(5), (name, value, from, open) => {
      const each = Array.from({ length: open + 1 }, (_, index) => decide(name, value, from + index, from + index));
      const agreed = each.every((one) => one === each[0]) ? each[0] : undefined;
      expect(decide(name, value, from, from + open)).toBe(agreed);
    }),
    { numRuns: 2000 },
  );
});

test("describeNeed() says the condition in words", () => {
  expect(CONDITION_NAMES.map((name) => describeNeed(name, 2))).toEqual([
    "needs more than 2",
    "needs at least 2",
    "needs less than 2",
    "needs at most 2",
    "needs exactly 2",
    "needs anything but 2",
  ]);
});
