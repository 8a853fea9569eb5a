import { expect, test } from "vitest";
import { compare } from "./generated-code.ts";

test("compare() names what is missing, changed and left over when gen/ is not what the protos give", () => {
  const present = new Map(Object.entries({ "same.ts": "a", "changed.ts": "by hand", "left.ts": "c" }));
  const expected = new Map(Object.entries({ "same.ts": "a", "changed.ts": "b", "new.ts": "d" }));
  expect(compare(present, expected)).toEqual([
    'gen/changed.ts is not current: run "npm run generate"',
    'gen/new.ts is missing: run "npm run generate"',
    'gen/left.ts has no proto any more: run "npm run generate"',
  ]);
  expect(compare(expected, expected)).toEqual([]);
});
