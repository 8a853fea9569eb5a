import type { PresenceDocument } from "./document.ts";
import { PRESENCE_FIELDS } from "./fields.ts";
import { isWrittenNumber, type JsonObject, type JsonValue } from "./json.ts";

// Canonical text is JSON printed one way, so that a pattern means the same whatever layout the answer came in: ": "
// after a key, ", " between members, nothing inside brackets, one record per line, known keys of a record first.

/** The keys of a record that come first, in this order; the rest follow as received. */
export const RECORD_KEYS = ["extension", "member", ...PRESENCE_FIELDS] as const;

// Anything but plain characters: quotes, backslashes, control characters, surrogates.
const NEEDS_ESCAPING = /[^ !#-[\]-\ud7ff\ue000-\uffff]/;

// A member up to its value: as the first one of an object, and as a later one.
interface Member {
  readonly first: string;
  readonly later: string;
}

const FIRST_KEYS = RECORD_KEYS.map((key) => ({ key, ...member(key) }));
const IS_FIRST_KEY: ReadonlySet<string> = new Set(RECORD_KEYS);
const NONE: ReadonlySet<string> = new Set();

const BETWEEN_RECORDS = ",\n";

// Answers repeat their keys in every record. More are kept than an answer has, but bounded: keys are others' choice.
const KEPT_MEMBERS = 1024;
const LONGEST_KEPT = 64;
const members = new Map<string, Member>();

/** Canonical text of one record by itself. */
export function canonicalRecord(record: JsonObject): string {
  let text = "";
  for (const { key, first, later } of FIRST_KEYS) {
    const value = record[key];
    if (value !== undefined) text = (text === "" ? first : text + later) + print(value);
  }
  return printMembers(record, text, IS_FIRST_KEY);
}

/** CanonicalBody is the canonical text of a whole document, and where its records begin in it (UTF-16 units). */
export interface CanonicalBody {
  readonly text: string;
  readonly starts: readonly number[];
}

/** Canonical text of a whole document, with these records' texts for its records. */
export function canonicalBody(document: PresenceDocument, recordTexts: readonly string[]): CanonicalBody {
  let before = "";
  let after = "";
  let passed = false;
  for (const key of Object.keys(document.json)) {
    if (key === "records") passed = true;
    else if (passed) after += `, ${printString(key)}: ${print(document.json[key]!)}`;
    else before += `${printString(key)}: ${print(document.json[key]!)}, `;
  }
  const head = `{${before}"records": [`;
  const starts: number[] = [];
  let end = head.length;
  for (const text of recordTexts) {
    starts.push(end);
    end += text.length + BETWEEN_RECORDS.length;
  }
  return { text: `${head}${recordTexts.join(BETWEEN_RECORDS)}]${after}}`, starts };
}

/** The records that criteria look at: those whose extension number (the member's, else the extension's) is listed; all when none is. */
export function selectRecords(document: PresenceDocument, onlyExtensions: ReadonlySet<string>): readonly JsonObject[] {
  if (onlyExtensions.size === 0) return document.records;
  return document.records.filter((record) => {
    const number = extensionText(record, "extensionNumber");
    return number !== undefined && onlyExtensions.has(number);
  });
}

/** The document's JSON with these records alone. */
export function withRecords(document: PresenceDocument, records: readonly JsonObject[]): JsonObject {
  return records === document.records ? document.json : { ...document.json, records };
}

/** What a record says of its extension, as text: the member's, else the extension's. */
export function extensionText(record: JsonObject, key: "id" | "name" | "extensionNumber"): string | undefined {
  return textIn(record.member, key) ?? textIn(record.extension, key);
}

function textIn(extension: JsonValue | undefined, key: string): string | undefined {
  const value = (extension as JsonObject | null | undefined)?.[key];
  if (typeof value === "string") return value;
  return typeof value === "number" || isWrittenNumber(value) ? JSON.stringify(value) : undefined;
}

function print(value: JsonValue): string {
  if (typeof value === "string") return printString(value);
  if (typeof value !== "object" || value === null) return String(value);
  if (Array.isArray(value)) return `[${value.map(print).join(", ")}]`;
  if (isWrittenNumber(value)) return value.rawJSON;
  return printMembers(value as JsonObject, "", NONE);
}

/** The object with these members printed already, followed by all but these. */
function printMembers(value: JsonObject, printed: string, printedKeys: ReadonlySet<string>): string {
  let text = printed;
  for (const key of Object.keys(value)) {
    if (printedKeys.has(key)) continue;
    const { first, later } = members.get(key) ?? newMember(key);
    text = (text === "" ? first : text + later) + print(value[key]!);
  }
  return text === "" ? "{}" : `${text}}`;
}

function newMember(key: string): Member {
  const made = member(key);
  if (key.length > LONGEST_KEPT) return made;
  if (members.size >= KEPT_MEMBERS) members.clear();
  members.set(key, made);
  return made;
}

function member(key: string): Member {
  const text = `${printString(key)}: `;
  return { first: `{${text}`, later: `, ${text}` };
}

function printString(text: string): string {
  return NEEDS_ESCAPING.test(text) ? JSON.stringify(text) : `"${text}"`;
}
