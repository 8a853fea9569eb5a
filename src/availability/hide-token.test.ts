import { describe, expect, test } from "vitest";
import { hideToken } from "./hide-token.ts";

describe("hideToken()", () => {
  test.each([
    ["it stands as it is", "t/o.k", "a t/o.k b t/o.k", "a ***** b *****"],
    ["JSON escapes what it holds", 'a"b\\c', JSON.stringify('>a"b\\c<'), `">${"*".repeat(7)}<"`],
    ["JSON escapes its slashes too", "t/o", '"t\\/o"', '"****"'],
    ["it stands for a pattern elsewhere", "$&", "a$&b", "a**b"],
  ])("puts as many stars when %s", (_, token, text, shown) => {
    expect(hideToken(text, token)).toBe(shown);
  });

  test("hides the beginning of the token at the end of a text when it was cut there", () => {
    expect(hideToken("a t0k", "t0ken", { cut: true })).toBe("a ***");
    expect(hideToken("t0ken t0ke", "t0ken", { cut: true })).toBe("***** ****");
    expect(hideToken("a t0k", "t0ken")).toBe("a t0k");
    expect(hideToken("", "t0ken", { cut: true })).toBe("");
  });

  test("leaves a text alone when there is no token", () => {
    expect(hideToken("a t0k", undefined, { cut: true })).toBe("a t0k");
  });
});
