import { describe, expect, test } from "vitest";
import { achievableAgeMs, readIntervalMs } from "./cadence.ts";

describe("achievableAgeMs()", () => {
  test("is how long all questions in demand take when each call of the share reads one", () => {
    expect(achievableAgeMs(1, 40)).toBe(1_500);
    expect(achievableAgeMs(20, 40)).toBe(30_000);
    expect(achievableAgeMs(0, 40)).toBe(0);
  });
});

describe("readIntervalMs()", () => {
  test("is four fifths of max_age when the budget allows it", () => {
    expect(readIntervalMs(10_000, 1_500)).toBe(8_000);
  });

  test("is the achievable age when max_age asks for more than the budget allows", () => {
    expect(readIntervalMs(10_000, 30_000)).toBe(30_000);
  });

  test("never makes a question be read without a pause when max_age is 0", () => {
    expect(readIntervalMs(0, 0)).toBe(250);
  });
});
