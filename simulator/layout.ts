/** How JSON is laid out on the wire: as the platform does (jackson), without white space, or as the seed page shows it. */
export type Layout = "jackson" | "compact" | "seed";

export const LAYOUTS: readonly Layout[] = ["jackson", "compact", "seed"];

/** Prints `value` in that layout. */
export function print(value: unknown, layout: Layout): string {
  if (layout === "compact") return JSON.stringify(value);
  return layout === "seed" ? JSON.stringify(value, null, 2) : jackson(value, "");
}

// Jackson's default pretty printer: two spaces of indent for objects, a blank on both sides of the colon, arrays on the
// line of their brackets, and a blank inside empty brackets.
function jackson(value: unknown, indent: string): string {
  if (Array.isArray(value)) {
    const items = value.map((item) => jackson(item, indent));
    return items.length === 0 ? "[ ]" : `[ ${items.join(", ")} ]`;
  }
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const inner = `${indent}  `;
  const members = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .map(([key, member]) => `${inner}${JSON.stringify(key)} : ${jackson(member, inner)}`);
  return members.length === 0 ? "{ }" : `{\n${members.join(",\n")}\n${indent}}`;
}
