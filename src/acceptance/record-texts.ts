import { canonicalRecord } from "./canonical.ts";
import type { JsonObject } from "./json.ts";

interface Printed {
  readonly records: readonly JsonObject[];
  readonly texts: readonly string[];
}

/**
 * What was printed last that begins or ends with a record. Kept by two records of a document and not by each, since a read
 * makes all of them anew, and keeping each would cost it half as much as it can save.
 */
const printedWith = new WeakMap<JsonObject, Printed>();

/**
 * Canonical text of each record. What push changes shares all records but a few with what it was, and several
 * destinations judge the same ones: a record that was printed at the same place is not printed again.
 */
export function recordTexts(records: readonly JsonObject[]): readonly string[] {
  const [first, last] = [records[0], records.at(-1)];
  if (first === undefined || last === undefined) return [];
  const before = printedWith.get(first) ?? printedWith.get(last);
  if (before?.records === records) return before.texts;
  const texts = records.map((record, index) =>
    before?.records[index] === record ? before.texts[index]! : canonicalRecord(record),
  );
  const printed = { records, texts };
  printedWith.set(first, printed);
  printedWith.set(last, printed);
  return texts;
}
