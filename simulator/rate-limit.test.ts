import { beforeEach, expect, test } from "vitest";
import { RateLimits } from "./rate-limit.ts";

let now = 0;
beforeEach(() => {
  now = 1_000_000;
});

function take(limits: RateLimits, times: number) {
  return Array.from({ length: times }, () => limits.take("t", "light")).at(-1)!;
}

test("take() counts down in lower-case groups until the limit is reached, then refuses", () => {
  const limits = new RateLimits({}, () => now);
  expect(take(limits, 1).headers).toEqual({
    "X-Rate-Limit-Group": "light",
    "X-Rate-Limit-Limit": "50",
    "X-Rate-Limit-Remaining": "49",
    "X-Rate-Limit-Window": "60",
  });
  expect(take(limits, 49)).toMatchObject({ refused: false, headers: { "X-Rate-Limit-Remaining": "0" } });
  expect(take(limits, 1)).toMatchObject({ refused: true, headers: { "Retry-After": "60" } });
});

test("take() lets a call in when the oldest has left the window", () => {
  const limits = new RateLimits({ light: 2 }, () => now);
  take(limits, 1);
  now += 30_000;
  take(limits, 1);
  now += 30_000;
  expect(take(limits, 1)).toMatchObject({ refused: false, headers: { "X-Rate-Limit-Remaining": "0" } });
  now += 29_999;
  expect(take(limits, 1).refused).toBe(true);
});

test("take() starts the penalty anew when a call comes inside it", () => {
  const limits = new RateLimits({ light: 1 }, () => now);
  take(limits, 2);
  now += 59_999;
  expect(take(limits, 1).refused).toBe(true);
  now += 59_999;
  expect(take(limits, 1).refused).toBe(true);
  now += 60_000;
  expect(take(limits, 1).refused).toBe(false);
});

test("take() counts each token and group by itself", () => {
  const limits = new RateLimits({ light: 1 }, () => now);
  take(limits, 2);
  expect(limits.take("other", "light").refused).toBe(false);
  expect(limits.take("t", "medium").refused).toBe(false);
});

test("take() refuses only in a penalty when the limit is Infinity", () => {
  const limits = new RateLimits({}, () => now);
  limits.setLimit("light", Number.POSITIVE_INFINITY);
  expect(take(limits, 500).refused).toBe(false);
  limits.penalize("t", "light");
  expect(take(limits, 1).refused).toBe(true);
});
