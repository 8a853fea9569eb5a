import { expect, test } from "vitest";
import { quote } from "./quote.ts";

test("quote() escapes what does not print when the value holds it", () => {
  expect(quote('a"b\n')).toBe('"a\\"b\\n"');
});

test("quote() cuts a value when it is long, and stays well-formed when the cut falls into a character", () => {
  expect(quote("x".repeat(100))).toBe(`"${"x".repeat(100)}"`);
  expect(quote("x".repeat(101))).toBe(`"${"x".repeat(100)}…"`);
  expect(quote(`${"x".repeat(99)}😀`).isWellFormed()).toBe(true);
});
