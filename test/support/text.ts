/** A message as JSON, for looking whether something stands in it. */
export function text(value: unknown): string {
  return JSON.stringify(value, (_, part) => (typeof part === "bigint" ? `${part}` : part));
}
