import { ServiceError } from "../lib/errors.ts";
import { encodeRecord, type RecordKind, readStored, type Stored, type Tombstone, type Versioned } from "./records.ts";
import type { Revision, Store } from "./store.ts";

// Writers of one record take turns; one who loses this often meets somebody who writes without end.
const MOST_TRIES = 10;

/** Which record is changed, and who is told of it as soon as it is written. */
export interface RecordChange<R extends Versioned> {
  readonly kind: RecordKind<R>;
  readonly id: string;
  /** The verb of an error. */
  readonly action: string;
  readonly store: Store;
  readonly registry: { apply(id: string, record: R | Tombstone, revision: Revision): void };
}

/**
 * Reads a record, decides what to make of it and writes that, over again when somebody else wrote in between: `decide`
 * may be called several times, and throws to refuse. Answers with what it decided last, once that is durable. Rejects
 * with ABORTED when others never stop writing, with UNAVAILABLE when the store is down.
 */
export async function changeRecord<R extends Versioned, Decision extends { readonly write: R | Tombstone | undefined }>(
  { kind, id, action, store, registry }: RecordChange<R>,
  decide: (stored: Stored<R>) => Decision,
): Promise<Decision> {
  for (let tries = 1; ; tries++) {
    const stored = await readStored(kind, store, id);
    const decision = decide(stored);
    const { write } = decision;
    if (write === undefined) return decision;
    const put = await store.put(`${kind.prefix}${id}`, encodeRecord(kind, write), { expected: stored.revision });
    if (put.ok) {
      registry.apply(id, write, put.revision);
      return decision;
    }
    if (tries === MOST_TRIES) {
      throw new ServiceError("ABORTED", `Cannot ${action} ${kind.noun} "${id}": others keep changing it`);
    }
  }
}

/** Leaves a tombstone and answers the last revision. Rejects with NOT_FOUND; `check` throws when it must stay. */
export async function deleteRecord<R extends Versioned>(
  change: Omit<RecordChange<R>, "action">,
  check: () => void = () => {},
): Promise<bigint> {
  const { write } = await changeRecord({ ...change, action: "delete" }, (stored) => {
    if (!stored.exists) throw notFound("delete", change.kind.noun, change.id);
    check();
    return { write: { deletedRevision: stored.lastRevision } };
  });
  return write.deletedRevision;
}

/** The error for an id that names nothing. */
export function notFound(action: string, noun: string, id: string): ServiceError {
  return new ServiceError("NOT_FOUND", `Cannot ${action} ${noun} "${id}": it does not exist`);
}
