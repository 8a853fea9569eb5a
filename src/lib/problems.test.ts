import { create } from "@bufbuild/protobuf";
import { DurationSchema } from "@bufbuild/protobuf/wkt";
import fc from "fast-check";
import { expect, test } from "vitest";
import { durationMs, Problems } from "./problems.ts";

const duration = (seconds: bigint, nanos: number) => create(DurationSchema, { seconds, nanos });

test("durationMs() gives milliseconds with their fraction when the duration is valid", () => {
  expect(durationMs(duration(1n, 500_000))).toBe(1000.5);
  expect(durationMs(duration(-1n, -500_000_000))).toBe(-1500);
  expect(durationMs(duration(315_576_000_000n, 0))).toBe(315_576_000_000_000);
});

test.each([
  [1n, -1],
  [-1n, 1],
  [0n, 1_000_000_000],
  [0n, -1_000_000_000],
  [315_576_000_001n, 0],
  [-315_576_000_001n, 0],
])("durationMs() gives nothing when seconds are %d and nanos %d", (seconds, nanos) => {
  expect(durationMs(duration(seconds, nanos))).toBeUndefined();
});

test("Problems.duration() takes a span exactly when it lies within the range", () => {
  const range = { unset: 7, min: 50, max: 60_000 };
  const near = fc.oneof(fc.constantFrom(0, 50, 60_000), fc.integer({ min: -1000, max: 120_000 }));
  fc.assert(
    fc.property(near, fc.integer({ min: -1, max: 1 }), (ms, nanosMore) => {
      const nanos = ms * 1_000_000 + nanosMore;
      const problems = new Problems();
      const got = problems.duration("f", duration(BigInt(Math.trunc(nanos / 1e9)), nanos % 1e9), range);
      const fits = nanos >= 50_000_000 && nanos <= 60_000_000_000;
      expect(problems.violations.map((v) => v.reason)).toEqual(fits ? [] : ["OUT_OF_RANGE"]);
      expect(got).toBeCloseTo(fits ? nanos / 1e6 : 7, 6);
    }),
  );
});

test("Problems.duration() gives the default, and no violation, when nothing is given", () => {
  const problems = new Problems();
  expect(problems.duration("f", undefined, { unset: 7, min: 50, max: 60 })).toBe(7);
  expect(problems.violations).toEqual([]);
});

test("Problems.name() lists each name once and goes on with the default when it does not know a number", () => {
  const problems = new Problems();
  const names = { 0: "ONE", 1: "TWO", 2: "ONE" } as const;
  expect([problems.name("f", names, 0), problems.name("f", names, 1), problems.name("f", names, 3)]).toEqual([
    "ONE",
    "TWO",
    "ONE",
  ]);
  expect(problems.violations).toEqual([
    { field: "f", reason: "UNKNOWN_VALUE", description: "is 3, expected one of ONE, TWO" },
  ]);
});
