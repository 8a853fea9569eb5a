import { expect, test } from "vitest";
import { conceal, concealedPath, concealIn } from "./conceal.ts";

const SECRET = "a/b.c+d=~e";

test.each([
  ["nothing to hide", "nothing to hide"],
  [`as it is: ${SECRET}, twice: ${SECRET}`, "as it is: [token], twice: [token]"],
  [String.raw`{"as PHP has it": "a\/b.c+d=~e"}`, `{"as PHP has it": "[token]"}`],
  [String.raw`"as ASCII: a\u002fb.c\u002Bd\u003d~e"`, `"as ASCII: [token]"`],
  [`in a form: x=${new URLSearchParams([["", SECRET]])}`, "in a form: x==[token]"],
  [`in an address: ${encodeURIComponent(SECRET).toLowerCase()}`, "in an address: [token]"],
  [String.raw`another: a\/bxc+d=~e`, String.raw`another: a\/bxc+d=~e`],
])("conceal() leaves no secret in %j", (text, expected) => {
  expect(conceal(text, [SECRET])).toBe(expected);
});

test("conceal() leaves no secret when JSON must escape what it is made of", () => {
  const secret = String.raw`a"b\c`;
  expect(conceal(JSON.stringify(`<${secret}>`), [secret])).toBe('"<[token]>"');
});

test("conceal() changes nothing when there is no secret, or none worth the name", () => {
  expect(conceal('{"errors":"s"}', ["s", "err"])).toBe('{"errors":"s"}');
  expect(conceal(String.raw`a\/b`, [""])).toBe(String.raw`a\/b`);
});

test.each([
  ["/restapi/v1.0/account/~", "/restapi/v1.0/account/~"],
  [`/x/${SECRET}/y`, "/x/[token]/y"],
  [`/x/${encodeURIComponent(SECRET)}/y`, "/x/[token]/y"],
  [`/x/${SECRET.replace("b", "%62")}/y`, "/[token]"],
  ["/x%20y", "/x%20y"],
  ["/x%zz", "/[token]"],
])("concealedPath() leaves no secret in %j", (path, expected) => {
  expect(concealedPath(path, [SECRET])).toBe(expected);
});

test("concealIn() leaves no secret in headers and body, and the address of the next hop as it is", () => {
  const headers = { location: `/${SECRET}`, rcrequestid: SECRET, "x-other": "kept" };
  const timings = { connectMs: 0, firstByteMs: 0, bodyMs: 0 };
  const answer = { kind: "response", status: 302, headers, bodyText: `<${SECRET}>`, sentAt: 0, timings } as const;
  expect(concealIn(answer, { secrets: [SECRET] })).toEqual({
    ...answer,
    headers: { ...headers, rcrequestid: "[token]" },
    bodyText: "<[token]>",
  });
  expect(concealIn({ kind: "timeout" }, { secrets: [SECRET] })).toEqual({ kind: "timeout" });
});

test("conceal() leaves none of several secrets, also where one is a part of another", () => {
  expect(conceal("abcd abcdefgh efgh", ["abcd", "abcdefgh", ""])).toBe("[token] [token] efgh");
});

test("concealIn() keeps a body that is a secret as it is, where nothing prints it", () => {
  const timings = { connectMs: 0, firstByteMs: 0, bodyMs: 0 };
  const answer = { kind: "response", status: 200, headers: {}, bodyText: `<${SECRET}>`, sentAt: 0, timings } as const;
  const came = concealIn(answer, { secrets: [SECRET], secretAnswer: true });
  if (came.kind !== "response") throw new Error(came.kind);
  expect(came.secretBody?.reveal()).toBe(`<${SECRET}>`);
  expect(JSON.stringify(came)).not.toContain(SECRET);
});
