import { isJsonObject, type JsonValue } from "./json.ts";

/** The ways in which servers are known to print the same JSON. */
export const LAYOUTS = ["JACKSON", "COMPACT", "INDENTED", "RECORD_PER_LINE"] as const;

export type Layout = (typeof LAYOUTS)[number];

/** Prints a JSON value as a server of that layout would. */
export function printIn(layout: Layout, value: JsonValue): string {
  switch (layout) {
    case "JACKSON":
      return jackson(value, "");
    case "COMPACT":
      return JSON.stringify(value);
    case "INDENTED":
      return JSON.stringify(value, null, 2);
    case "RECORD_PER_LINE":
      return spaced(value, true);
  }
}

/** RingCentral's own: Jackson's default pretty printer. */
function jackson(value: JsonValue, indent: string): string {
  if (Array.isArray(value)) {
    return value.length === 0 ? "[ ]" : `[ ${value.map((item) => jackson(item, indent)).join(", ")} ]`;
  }
  if (!isJsonObject(value)) return JSON.stringify(value);
  const inner = `${indent}  `;
  const members = Object.keys(value).map((key) => `${inner}${JSON.stringify(key)} : ${jackson(value[key]!, inner)}`);
  return members.length === 0 ? "{ }" : `{\n${members.join(",\n")}\n${indent}}`;
}

function spaced(value: JsonValue, top = false): string {
  if (Array.isArray(value)) return `[${value.map((item) => spaced(item)).join(", ")}]`;
  if (!isJsonObject(value)) return JSON.stringify(value);
  const members = Object.keys(value).map((key) => {
    const member = value[key]!;
    const lines = top && key === "records" && Array.isArray(member) && member.length > 0;
    const printed = lines ? `[\n${member.map((item) => spaced(item)).join(",\n")}\n]` : spaced(member);
    return `${JSON.stringify(key)}: ${printed}`;
  });
  return `{${members.join(", ")}}`;
}
