import fc from "fast-check";
import { expect, test } from "vitest";
import { callToken, pageSize, pageToken, parseCallToken, parsePageToken } from "./paging.ts";

test.each([
  [0, 50],
  [1, 1],
  [50, 50],
  [1000, 1000],
  [1001, 1000],
  [2 ** 31 - 1, 1000],
])("pageSize() makes of %d items a page of %d", (requested, size) => expect(pageSize(requested)).toBe(size));

const id = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/);

test("parsePageToken() gives the id back when the token is one of pageToken()", () => {
  fc.assert(fc.property(id, (lastId) => void expect(parsePageToken(pageToken(lastId))).toBe(lastId)));
  expect(parsePageToken("")).toBe("");
});

test.each([
  ["is no base64url", "!!"],
  ["is plain text", "sales"],
  ["names nothing", Buffer.from("after:").toString("base64url")],
  ["names what is no id", Buffer.from("after:a/b").toString("base64url")],
  ["names an id too long", Buffer.from(`after:${"x".repeat(65)}`).toString("base64url")],
  ["is another service's", Buffer.from('{"offset":10}').toString("base64url")],
  ["is padded", Buffer.from("after:ab").toString("base64")],
  ["has something before it", ` ${pageToken("sales")}`],
  ["has something after it", `${pageToken("sales")}A`],
  ["ends in the middle", pageToken("sales").slice(0, -1).slice(0, 6)],
  ["goes on in another line", Buffer.from("after:a\nb").toString("base64url")],
])("parsePageToken() refuses a token when it %s", (_, token) => expect(parsePageToken(token)).toBeUndefined());

test("parseCallToken() gives the number back when the token is one of callToken()", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 10 ** 15 - 1 }), (n) => void expect(parseCallToken(callToken(n))).toBe(n)),
  );
});

test.each([
  ["is empty", ""],
  ["is one of another list", pageToken("sales")],
  ["names no call", Buffer.from("calls:0").toString("base64url")],
  ["names a part of one", Buffer.from("calls:1.5").toString("base64url")],
  ["is padded", Buffer.from("calls:1").toString("base64")],
])("parseCallToken() gives nothing when the token %s", (_, token) => expect(parseCallToken(token)).toBeUndefined());

test("parsePageToken() takes no text but the one spelling of a token", () => {
  fc.assert(
    fc.property(id, fc.nat(80), fc.constantFrom(..."AZaz09-_+/= "), (lastId, place, character) => {
      const token = pageToken(lastId);
      const tampered = token.slice(0, place) + character + token.slice(place + 1);
      const read = parsePageToken(tampered);
      if (read !== undefined) expect(pageToken(read)).toBe(tampered);
    }),
  );
});
