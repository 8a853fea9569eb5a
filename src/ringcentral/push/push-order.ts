import type { Clock } from "../../lib/clock.ts";
import type { ExtensionPresence, PushEvent } from "./push-event.ts";

type Field = keyof ExtensionPresence;

// Frames overtake each other by moments; a sequence that is lower much later has begun anew.
const OVERTAKEN_MS = 5_000;

/**
 * FieldOrder keeps late events of one session from undoing newer ones. RingCentral leaves out what has not changed, so an
 * event that comes late may still be the only one to tell a field: each field has the sequence of its own newest teller.
 */
export class FieldOrder {
  readonly #clock: Clock;
  readonly #newest = new Map<string, { at: number; readonly sequences: Map<Field, number> }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The event without what a later one has told; undefined when nothing is left. */
  admit(event: PushEvent): PushEvent | undefined {
    if (event.kind === "queue" || event.sequence === undefined) return event;
    const { extensionId, sequence } = event;
    const sequences = this.#of(extensionId);
    const fields = (Object.keys(event.presence) as Field[]).filter((field) => sequence >= (sequences.get(field) ?? 0));
    if (fields.length === 0) return undefined;
    for (const field of fields) sequences.set(field, sequence);
    const presence = Object.fromEntries(fields.map((field) => [field, event.presence[field]])) as ExtensionPresence;
    return { ...event, presence };
  }

  /** Sequences may begin anew from here. */
  forget(): void {
    this.#newest.clear();
  }

  #of(extensionId: string): Map<Field, number> {
    const now = this.#clock.now();
    const known = this.#newest.get(extensionId);
    const sequences = known && now <= known.at + OVERTAKEN_MS ? known.sequences : new Map<Field, number>();
    this.#newest.set(extensionId, { at: now, sequences });
    return sequences;
  }
}
