import { describe, expect, test } from "vitest";
import { readRateLimit } from "./rate-limit.ts";

const whole = {
  "x-rate-limit-group": "Light",
  "x-rate-limit-limit": "50",
  "x-rate-limit-remaining": "0",
  "x-rate-limit-window": "60",
};

describe("readRateLimit()", () => {
  test("gives the group's state when the headers are whole", () => {
    expect(readRateLimit(whole)).toEqual({ group: "light", limit: 50, left: 0, windowSeconds: 60 });
  });

  test("takes the usual window when none is named", () => {
    const { "x-rate-limit-window": _, ...rest } = whole;
    expect(readRateLimit(rest)?.windowSeconds).toBe(60);
  });

  test.each([
    {},
    { ...whole, "x-rate-limit-group": "" },
    { ...whole, "x-rate-limit-group": 'a"b' },
    { ...whole, "x-rate-limit-group": "x".repeat(33) },
    { ...whole, "x-rate-limit-limit": "0" },
    { ...whole, "x-rate-limit-limit": "many" },
    { ...whole, "x-rate-limit-remaining": "-1" },
    { ...whole, "x-rate-limit-window": "0" },
  ])("believes nothing when the headers are %j", (headers) => expect(readRateLimit(headers)).toBeUndefined());
});
