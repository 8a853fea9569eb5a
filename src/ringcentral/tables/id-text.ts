/** An id as text: RingCentral writes the same id as text in some answers and as a number in others. */
export function idText(id: unknown): string | undefined {
  if (typeof id === "number") return Number.isSafeInteger(id) && id >= 0 ? `${id}` : undefined;
  return typeof id === "string" && /^\d{1,20}$/.test(id) ? id : undefined;
}
