import type { PresenceDocument } from "./document.ts";
import { isWrittenNumber, type JsonObject, type JsonValue } from "./json.ts";

// Canonical text is JSON printed one way, so that a pattern means the same whatever layout the answer came in: ": "
// after a key, ", " between members, nothing inside brackets, one record per line, known keys of a record first.

/** The keys of a record that come first, in this order; the rest follow as received. */
export const RECORD_KEYS = [
  "extension",
  "member",
  "acceptQueueCalls",
  "acceptCurrentQueueCalls",
  "presenceStatus",
  "userStatus",
  "dndStatus",
  "telephonyStatus",
] as const;

const FIRST_KEYS = RECORD_KEYS.map((key) => ({ key, printed: `"${key}": ` }));
const IS_FIRST_KEY: ReadonlySet<string> = new Set(RECORD_KEYS);

// Anything but plain characters: quotes, backslashes, control characters, surrogates.
const NEEDS_ESCAPING = /[^ !#-[\]-\ud7ff\ue000-\uffff]/;

/** Canonical text of one record by itself. */
export function canonicalRecord(record: JsonObject): string {
  let text = "";
  for (const { key, printed } of FIRST_KEYS) {
    const value = record[key];
    if (value !== undefined) text += (text === "" ? "" : ", ") + printed + print(value);
  }
  for (const key of Object.keys(record)) {
    if (!IS_FIRST_KEY.has(key)) text += `${text === "" ? "" : ", "}${printString(key)}: ${print(record[key]!)}`;
  }
  return `{${text}}`;
}

/** Canonical text of a whole document, with these records' texts for its records. */
export function canonicalBody(document: PresenceDocument, recordTexts: readonly string[]): string {
  return printObject(document.json, (key, value) =>
    key === "records" ? `[${recordTexts.join(",\n")}]` : print(value),
  );
}

/** The records that criteria look at: those whose extension number (the member's, else the extension's) is listed; all when none is. */
export function selectRecords(document: PresenceDocument, onlyExtensions: ReadonlySet<string>): readonly JsonObject[] {
  if (onlyExtensions.size === 0) return document.records;
  return document.records.filter((record) => {
    const number = numberIn(record.member) ?? numberIn(record.extension);
    return number !== undefined && onlyExtensions.has(number);
  });
}

function numberIn(extension: JsonValue | undefined): string | undefined {
  const number = (extension as JsonObject | null | undefined)?.extensionNumber;
  if (typeof number === "string") return number;
  return typeof number === "number" || isWrittenNumber(number) ? JSON.stringify(number) : undefined;
}

function print(value: JsonValue): string {
  if (typeof value === "string") return printString(value);
  if (typeof value !== "object" || value === null) return String(value);
  if (Array.isArray(value)) return `[${value.map(print).join(", ")}]`;
  if (isWrittenNumber(value)) return value.rawJSON;
  return printObject(value as JsonObject, (_key, member) => print(member));
}

function printObject(object: JsonObject, printMember: (key: string, value: JsonValue) => string): string {
  let text = "";
  for (const key of Object.keys(object)) {
    text += `${text === "" ? "" : ", "}${printString(key)}: ${printMember(key, object[key]!)}`;
  }
  return `{${text}}`;
}

function printString(text: string): string {
  return NEEDS_ESCAPING.test(text) ? JSON.stringify(text) : `"${text}"`;
}
