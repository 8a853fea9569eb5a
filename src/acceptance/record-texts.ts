import { canonicalRecord } from "./canonical.ts";
import type { PresenceDocument } from "./document.ts";
import type { JsonObject } from "./json.ts";

/** Records and their canonical texts. */
export interface Printed {
  readonly records: readonly JsonObject[];
  readonly texts: readonly string[];
}

/**
 * Canonical text of the selected records. What push changes shares all records but a few with what it was, and several
 * destinations judge the same ones: a record of a whole document that was printed at the same place is not printed again.
 */
export function recordTexts(document: PresenceDocument, selected: readonly JsonObject[]): readonly string[] {
  if (selected !== document.records) return selected.map(canonicalRecord);
  const before = document.printed;
  if (before?.records === selected) return before.texts;
  const texts = selected.map((record, index) =>
    before?.records[index] === record ? before.texts[index]! : canonicalRecord(record),
  );
  document.printed = { records: selected, texts };
  return texts;
}
