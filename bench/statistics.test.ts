import { describe, expect, test } from "vitest";
import { exponent, median, overRounds, quantile, randomFrom } from "./statistics.ts";

describe("quantile()", () => {
  test("finds the value below which a share lies, whatever the order", () => {
    const values = Array.from({ length: 101 }, (_, index) => 100 - index);
    expect([0, 0.5, 0.99, 1].map((share) => quantile(values, share))).toEqual([0, 50, 99, 100]);
    expect(values[0]).toBe(100);
  });

  test("lies between neighbours in proportion when the share falls between them", () => {
    expect(quantile([10, 20], 0.25)).toBe(12.5);
  });

  test("sorts as numbers, and is NaN when there are no values", () => {
    expect(median([9, 10, 100])).toBe(10);
    expect(median([])).toBeNaN();
  });
});

test("overRounds() gives the median and how far apart the rounds were", () => {
  expect(overRounds([3, 1, 8])).toEqual({ value: 3, spread: { low: 1, high: 8 } });
});

describe("exponent()", () => {
  test("is the power when y is a power of x, whatever the factor", () => {
    const points = [10, 100, 5000].map((x) => [x, 3 * x ** 1.5] as const);
    expect(exponent(points)).toBeCloseTo(1.5, 10);
    expect(exponent(points.map(([x]) => [x, 7]))).toBeCloseTo(0, 10);
  });

  test("is the one nearest to all points when they do not lie on a line", () => {
    expect(
      exponent([
        [1, 1],
        [Math.E, 1],
        [Math.E ** 2, Math.E],
      ]),
    ).toBeCloseTo(0.5, 10);
  });
});

test("randomFrom() gives the same numbers for the same seed, from 0 to 1 and all over", () => {
  const [one, same, other] = [randomFrom(7), randomFrom(7), randomFrom(8)];
  const numbers = Array.from({ length: 1000 }, () => one());
  expect(numbers).toEqual(Array.from({ length: 1000 }, () => same()));
  expect(numbers).not.toEqual(Array.from({ length: 1000 }, () => other()));
  expect(numbers.every((number) => number >= 0 && number < 1)).toBe(true);
  expect(new Set(numbers.map((number) => Math.floor(number * 10))).size).toBe(10);
});
