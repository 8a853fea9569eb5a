import { expect, test } from "vitest";
import { print } from "./layout.ts";

test("print() writes what the platform writes when the layout is jackson", () => {
  const document = { records: [{ member: { id: "1", site: {} }, on: true }, { n: null }], none: [], tags: ["a", 2] };
  expect(print(document, "jackson")).toBe(
    [
      "{",
      '  "records" : [ {',
      '    "member" : {',
      '      "id" : "1",',
      '      "site" : { }',
      "    },",
      '    "on" : true',
      "  }, {",
      '    "n" : null',
      "  } ],",
      '  "none" : [ ],',
      '  "tags" : [ "a", 2 ]',
      "}",
    ].join("\n"),
  );
});

test("print() loses nothing in any layout", () => {
  const document = { a: [{ b: 'say "hi"\n' }, []], c: { d: -1.5 } };
  for (const layout of ["jackson", "compact", "seed"] as const) {
    expect(JSON.parse(print(document, layout))).toEqual(document);
  }
  expect(print({ a: true }, "compact")).toBe('{"a":true}');
  expect(print({ a: true }, "seed")).toContain('"a": true');
});
