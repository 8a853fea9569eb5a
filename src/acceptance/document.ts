import { isJsonObject, type JsonObject, type JsonValue, parseExactly } from "./json.ts";
import type { Printed } from "./record-texts.ts";

/** PresenceDocument is one presence answer, parsed: what criteria are applied to. */
export interface PresenceDocument {
  /** The answer's text as it was received. */
  readonly raw: string;
  readonly json: JsonObject;
  /** `json.records`, one per agent, before any filtering. */
  readonly records: readonly JsonObject[];
  /** Kept by the document and not in a WeakMap, which would cost each read more than it saves the next event. */
  printed?: Printed | undefined;
}

export type ParsedDocument =
  | { readonly ok: true; readonly document: PresenceDocument }
  | { readonly ok: false; readonly problem: string };

// Real answers nest four levels. The limit keeps everything that walks a document safe from running out of stack.
export const MAX_DEPTH = 64;

// A number that may print differently once it was a double: 16 digits or more, a fraction, an exponent, minus zero. What
// stands before a number keeps addresses ("/v1.0/") and times ("-01", ":05.000") out; other text in strings may still
// look like one, which costs a second parse, several times slower, and nothing else.
const NEEDS_SOURCE_TEXT = /(?:(?<!\d):|[[,])\s*(?:-0|-?(?:\d{16}|\d{1,15}[.eE]))/;

/** Parses a presence answer. What is not a list of agents is a problem, never an empty queue. */
export function parseDocument(text: string): ParsedDocument {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return refused("it is not JSON");
  }
  if (!isJsonObject(json)) return refused("it is not a JSON object");
  const { tooDeep, hasNumbers } = survey(json);
  if (tooDeep) return refused(`it nests deeper than ${MAX_DEPTH} levels`);
  return documentOf(text, hasNumbers && NEEDS_SOURCE_TEXT.test(text) ? (parseExactly(text) as JsonObject) : json);
}

/** The document made of JSON that is already parsed; `raw` is the text of the answer behind it. */
export function documentOf(raw: string, json: JsonObject): ParsedDocument {
  const records = json.records;
  if (records === undefined) return refused('"records" is absent');
  if (!Array.isArray(records)) return refused('"records" is not an array');
  const odd = records.findIndex((record) => !isJsonObject(record));
  if (odd >= 0) return refused(`"records[${odd}]" is not an object`);
  return { ok: true, document: { raw, json, records } };
}

function refused(state: string): ParsedDocument {
  return { ok: false, problem: `Cannot read the presence answer: ${state}` };
}

function survey(json: JsonObject): { readonly tooDeep: boolean; readonly hasNumbers: boolean } {
  let hasNumbers = false;
  const tooDeep = (value: readonly JsonValue[] | JsonObject, levels: number): boolean => {
    for (const member of Array.isArray(value) ? value : Object.values(value)) {
      if (typeof member === "number") hasNumbers = true;
      else if (typeof member === "object" && member !== null && (levels === 0 || tooDeep(member, levels - 1)))
        return true;
    }
    return false;
  };
  return { tooDeep: tooDeep(json, MAX_DEPTH - 1), hasNumbers };
}
