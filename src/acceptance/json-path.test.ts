import { describe, expect, test } from "vitest";
import type { JsonObject, JsonValue } from "./json.ts";
import { compileJsonPath, type JsonPath } from "./json-path.ts";

function compiled(written: string): JsonPath {
  const result = compileJsonPath(written);
  if (!result.ok) throw new Error(result.description);
  return result.path;
}

function valuesOf(written: string, json: unknown): readonly unknown[] {
  const values: unknown[] = [];
  compiled(written).each(
    json as JsonValue,
    () => {},
    (node) => values.push(node.value) > 0,
  );
  return values;
}

// The example of RFC 9535, section 1.5.
const store: JsonObject = {
  store: {
    book: [
      { category: "reference", author: "Nigel Rees", title: "Sayings of the Century", price: 8.95 },
      { category: "fiction", author: "Evelyn Waugh", title: "Sword of Honour", price: 12.99 },
      { category: "fiction", author: "Herman Melville", title: "Moby Dick", isbn: "0-553-21311-3", price: 8.99 },
      { category: "fiction", author: "J. R. R. Tolkien", title: "The Lord of the Rings", isbn: "0-395", price: 22.99 },
    ],
    bicycle: { color: "red", price: 399 },
  },
};

describe("compileJsonPath() finds what RFC 9535 says", () => {
  test.each([
    ["$.store.book[*].author", ["Nigel Rees", "Evelyn Waugh", "Herman Melville", "J. R. R. Tolkien"]],
    ["$..author", ["Nigel Rees", "Evelyn Waugh", "Herman Melville", "J. R. R. Tolkien"]],
    ["$.store..price", [8.95, 12.99, 8.99, 22.99, 399]],
    ["$..book[2].author", ["Herman Melville"]],
    ["$..book[2].publisher", []],
    ["$..book[-1].isbn", ["0-395"]],
    ["$..book[0,1].price", [8.95, 12.99]],
    ["$..book[:2].price", [8.95, 12.99]],
    ["$..book[?@.isbn].price", [8.99, 22.99]],
    ["$..book[?@.price<10].price", [8.95, 8.99]],
    ["$['store'][\"bicycle\"]['color']", ["red"]],
    ["$..book[::-2].price", [22.99, 12.99]],
    ["$..book[?@.price > 0.5 && @.price < 0.9e1].price", [8.95, 8.99]],
    ["$..book[?!@.isbn && @.category == 'fiction'].price", [12.99]],
    ["$.store[?count(@.*) == 2].color", ["red"]],
    ["$..book[?length(@.title) == 9].price", [8.99]],
    ["$..book[?value(@..isbn) == '0-395'].price", [22.99]],
    ["$..book[?match(@.category, 'fic.*')].price", [12.99, 8.99, 22.99]],
    ["$..book[?match(@.category, 'fic')].price", []],
    ["$..book[?search(@.author, '[RM]e')].price", [8.95, 8.99]],
    ["$..book[?@.nope == $.nope].price", [8.95, 12.99, 8.99, 22.99]],
  ])("%s", (path, values) => {
    expect(valuesOf(path, store)).toEqual(values);
  });

  test("patterns from the document, of which an invalid one matches nothing", () => {
    const values = { regex: "b.?b", values: ["abc", "bab", "bbab", "b", true, [], {}] };
    expect(valuesOf("$.values[?match(@, $.regex)]", values)).toEqual(["bab"]);
    expect(valuesOf("$.values[?search(@, $.regex)]", values)).toEqual(["bab", "bbab"]);
    expect(valuesOf("$.values[?search(@, $.regex)]", { ...values, regex: "b**" })).toEqual([]);
    expect(valuesOf("$.values[?search(@, $.nope)]", values)).toEqual([]);
    expect(valuesOf("$[?match(@.a, 1)]", [{ a: "1" }])).toEqual([]);
  });

  test("the root of the document, in a filter within a filter too", () => {
    const json = { wanted: 2, lists: [[{ n: 1 }], [{ n: 2 }, { n: 3 }]] };
    expect(valuesOf("$.lists[?@[?@.n == $.wanted]]", json)).toEqual([json.lists[1]]);
    expect(valuesOf("$.lists[?count(@[?@.n >= $.wanted]) == 2]", json)).toEqual([json.lists[1]]);
  });

  test("lengths in characters, not in halves of them", () => {
    expect(valuesOf("$[?length(@) == 2]", ["\u{10101}b", "abc", [1, 2], { a: 1, b: 2 }, 2])).toEqual([
      "\u{10101}b",
      [1, 2],
      { a: 1, b: 2 },
    ]);
  });

  test("nodes as deep as documents go", () => {
    let json: unknown = { deepest: 1 };
    for (let level = 0; level < 63; level++) json = level % 2 === 0 ? [json] : { a: json };
    expect(valuesOf("$..deepest", json)).toEqual([1]);
  });
});

test("compileJsonPath() knows which paths find one node at most", () => {
  const singular = (path: string) => compiled(path).singular;
  expect(["$", "$.a", "$['a'][0].b[-1]"].map(singular)).toEqual([true, true, true]);
  expect(["$.a[*]", "$..a", "$[0,1]", "$[0:1]", "$[?@.a]"].map(singular)).toEqual([false, false, false, false, false]);
});

test("each() stops as soon as it is told to", () => {
  let nodes = 0;
  compiled("$[*]").each(
    [1, 2, 3],
    () => {},
    () => ++nodes < 2,
  );
  expect(nodes).toBe(2);
});

describe("compileJsonPath() refuses", () => {
  test.each([
    ["records[0]", "at character 1, expected '$', found 'r'"],
    ["$.a b", "at character 5, expected '.', '..' or a bracketed selection, found 'b'"],
    ["$.", "at the end, something is missing"],
    ["$ ", "at the end, trailing whitespace"],
    ["$[?@.a==]", "at character 9, unexpected end of expression"],
    ["$[1:2:3:4]", "at character 8, expected token comma, found colon"],
    ["$[?@.a==01]", "at character 9, invalid number literal '01'"],
    ["$[?@.a==-01]", "at character 9, invalid number literal '-01'"],
    ["$[?nope(@)]", "at character 4, no such function 'nope'"],
    ["$[?count(@.a)]", "at character 4, result of count() must be compared"],
    ["$[?@.* == 1]", "at character 4, non-singular query is not comparable"],
    ["$[?@.a==1==2]", "at character 7, a test or another comparison cannot be compared"],
    ["$[?!@.a==1]", "at character 8, a test or another comparison cannot be compared"],
    ["$.*~", "at character 4, expected '.', '..' or a bracketed selection, found '~'"],
  ])("%j, saying where and why", (path, why) => {
    const description = `is not a JSONPath of RFC 9535: ${why}`;
    expect(compileJsonPath(path)).toEqual({ ok: false, reason: "INVALID_PATH", description });
  });

  test.each([
    ["$[?match(@.a, '\\\\d+')]", 'is not an I-Regexp of RFC 9485: "\\d" at character 1'],
    ["$[?@.b && (@.c || search(@.a, '(a{30}){30}'))]", "compiles to 902 instructions, expected 512 at most"],
    ["$[?count(@[?search(@, '(')]) > 1]", "is not an I-Regexp of RFC 9485: it ends inside a group"],
  ])("%j for the pattern in it", (path, why) => {
    const result = compileJsonPath(path);
    expect(result).toMatchObject({ ok: false, reason: "INVALID_PATTERN" });
    const at = path.search(/'(?:\\|\()/) + 2;
    expect(!result.ok && result.description).toBe(`has at character ${at} a pattern that ${why}`);
  });

  test("what is empty or longer than 512 bytes", () => {
    expect(compileJsonPath("")).toMatchObject({ reason: "REQUIRED" });
    expect(compileJsonPath(`$.${"é".repeat(255)}`)).toMatchObject({ ok: true });
    expect(compileJsonPath(`$.a${"é".repeat(255)}`)).toMatchObject({ reason: "TOO_LONG" });
  });
});
