import { RE2JS } from "re2js";
import { describe, expect, test } from "vitest";
import { TEMPLATES } from "./catalogue.ts";

describe("TEMPLATES", () => {
  test("stands in the order of ids", () => {
    const ids = TEMPLATES.map(({ id }) => id);
    expect(ids).toEqual(ids.toSorted());
  });

  test.each(TEMPLATES.flatMap(({ id, fields }) => fields.map((field) => ({ id, ...field }))))(
    "describes $fieldPath so that its own example and default are accepted",
    ({ id, fieldPath, label, help, example, defaultValue, pattern, required }) => {
      expect(fieldPath.startsWith(`${id}.`)).toBe(true);
      expect([label, help, example].every((text) => text.length > 0)).toBe(true);
      if (pattern) expect(RE2JS.compile(pattern).matches(example)).toBe(true);
      if (pattern && defaultValue) expect(RE2JS.compile(pattern).matches(defaultValue)).toBe(true);
      expect(required && defaultValue !== "").toBe(false);
    },
  );
});
