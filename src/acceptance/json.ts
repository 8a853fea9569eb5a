/** A number whose digits a double would lose, as JSON.rawJSON keeps it; JSON.stringify prints it as it was written. */
export interface WrittenNumber {
  readonly rawJSON: string;
}

export type JsonValue = string | number | boolean | null | WrittenNumber | readonly JsonValue[] | JsonObject;

export interface JsonObject {
  readonly [key: string]: JsonValue;
}

// Part of the language since Node 21; TypeScript's libraries do not know them yet.
interface JsonSourceText {
  rawJSON(text: string): WrittenNumber;
  isRawJSON(value: unknown): value is WrittenNumber;
  parse(text: string, reviver: (key: string, value: unknown, context: { source?: string }) => unknown): unknown;
}
const sourceText = JSON as unknown as JsonSourceText;

export function isWrittenNumber(value: unknown): value is WrittenNumber {
  return typeof value === "object" && value !== null && sourceText.isRawJSON(value);
}

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !sourceText.isRawJSON(value);
}

/** Parses like JSON.parse, but keeps each number that would print differently as it was written. Costs several times more. */
export function parseExactly(text: string): unknown {
  return sourceText.parse(text, (_key, value, { source }) =>
    typeof value === "number" && source !== undefined && String(value) !== source ? sourceText.rawJSON(source) : value,
  );
}

/** The same value with every number a double; shares all that has no written number in it. */
export function withPlainNumbers(value: JsonValue): JsonValue {
  if (typeof value !== "object" || value === null) return value;
  if (isWrittenNumber(value)) return Number(value.rawJSON);
  if (Array.isArray(value)) {
    const items = value.map(withPlainNumbers);
    return items.some((item, index) => item !== value[index]) ? items : value;
  }
  let changed: Record<string, JsonValue> | undefined;
  for (const key of Object.keys(value)) {
    const before = (value as JsonObject)[key]!;
    const member = withPlainNumbers(before);
    if (member === before) continue;
    changed ??= Object.assign(Object.create(null) as Record<string, JsonValue>, value);
    changed[key] = member;
  }
  return changed ?? value;
}
