import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { normaliseBearerToken } from "./bearer-token.ts";

const token = "U0pDMTFQMDFQQVMwMHxBQUR2.x-y_z~w+v/u=";
const tokenOf = (pasted: string) => {
  const parsed = normaliseBearerToken(pasted, field);
  return "token" in parsed ? parsed.token.reveal() : undefined;
};
const field = "destination.ring_central.credential.bearer_token";

describe("normaliseBearerToken()", () => {
  test.each([
    token,
    ` ${token}\n`,
    `Bearer ${token}`,
    `bearer\t${token}`,
    `BEARER  Bearer ${token} `,
    `\uFEFF${token}`,
  ])("gives the bare token when %j is pasted", (pasted) => expect(tokenOf(pasted)).toBe(token));

  test("keeps a token when it merely begins with the word", () => {
    expect(tokenOf("BearerABC")).toBe("BearerABC");
  });

  test.each([
    ["", "REQUIRED"],
    [" \n", "REQUIRED"],
    ["Bearer", "REQUIRED"],
    ["Bearer Bearer ", "REQUIRED"],
    ["abc def", "INVALID_FORMAT"],
    ["abc\r\nX-Evil: 1", "INVALID_FORMAT"],
    ["abc\u0000", "INVALID_FORMAT"],
    ["abcé", "INVALID_FORMAT"],
    ["abc\u200b", "INVALID_FORMAT"],
    ["a".repeat(8193), "TOO_LONG"],
  ])("refuses when %j is pasted", (pasted, reason) => {
    expect(normaliseBearerToken(pasted, field)).toMatchObject({ violations: [{ field, reason }] });
  });

  test("accepts the longest token when it has 8192 bytes", () => {
    expect(tokenOf("a".repeat(8192))).toBeDefined();
  });

  test("never repeats what was pasted when it refuses, and prints nothing when it accepts", () => {
    const secret = fc.string({ unit: fc.constantFrom(..."QXZJ0189"), minLength: 8, maxLength: 40 });
    fc.assert(
      fc.property(secret, fc.constantFrom("", " x", "\u0001", "é", "y".repeat(9000)), (part, spoiler) => {
        expect(JSON.stringify(normaliseBearerToken(`${part}${spoiler}`, field))).not.toContain(part);
      }),
    );
  });
});
