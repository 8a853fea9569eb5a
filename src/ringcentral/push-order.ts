import type { ExtensionPresence, PushEvent } from "./push-event.ts";

type Field = keyof ExtensionPresence;

/**
 * FieldOrder keeps late events of one session from undoing newer ones. RingCentral leaves out what has not changed, so an
 * event that comes late may still be the only one to tell a field: each field has the sequence of its own newest teller.
 */
export class FieldOrder {
  readonly #newest = new Map<string, Map<Field, number>>();

  /** The event without what a later one has told; undefined when nothing is left. */
  admit(event: PushEvent): PushEvent | undefined {
    if (event.kind === "queue" || event.sequence === undefined) return event;
    const { extensionId, sequence } = event;
    const newest = this.#newest.get(extensionId) ?? new Map<Field, number>();
    this.#newest.set(extensionId, newest);
    const fields = (Object.keys(event.presence) as Field[]).filter((field) => sequence >= (newest.get(field) ?? 0));
    if (fields.length === 0) return undefined;
    for (const field of fields) newest.set(field, sequence);
    const presence = Object.fromEntries(fields.map((field) => [field, event.presence[field]])) as ExtensionPresence;
    return { ...event, presence };
  }
}
