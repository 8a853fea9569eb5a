import { ServiceError } from "../lib/errors.ts";
import { type Keyring, SealingError } from "../lib/sealing.ts";
import type { Revision, Store } from "../stores/store.ts";
import type { Access } from "../connections/credentials.ts";
import { ID_PATTERN } from "./limits.ts";
import { DESTINATIONS, type DestinationRecord, decodeRecord, openAccess } from "./record.ts";

/** Writers of one destination take turns; one who loses this often meets somebody who writes without end. */
export const MOST_TRIES = 10;

/** What the store holds of one destination. */
export interface Stored {
  readonly revision: Revision | "absent";
  readonly exists: boolean;
  /** Undefined when there is none, or none that can be read. */
  readonly record: DestinationRecord | undefined;
  /** The last revision of this id, of a deleted destination too; 0 when there never was one. */
  readonly lastRevision: bigint;
}

/** What the store holds of an id; of one that cannot be an id, nothing. */
export async function readStored(store: Store, id: string): Promise<Stored> {
  const entry = ID_PATTERN.test(id) ? await store.get(`${DESTINATIONS}${id}`) : undefined;
  if (!entry) return { revision: "absent", exists: false, record: undefined, lastRevision: 0n };
  const { revision } = entry;
  const record = decodeRecord(entry.value);
  if ("unreadable" in record) return { revision, exists: true, record: undefined, lastRevision: record.revision };
  if ("message" in record) return { revision, exists: true, record, lastRevision: record.message.revision };
  return { revision, exists: false, record: undefined, lastRevision: record.deletedRevision };
}

/** The stored credential, if there is one that opens. */
export function openStored(
  record: DestinationRecord | undefined,
  id: string,
  deps: { readonly keyring: Keyring },
): Access | undefined {
  if (!record) return undefined;
  try {
    return openAccess(record.credential, id, deps.keyring);
  } catch (error) {
    if (error instanceof SealingError) return undefined;
    throw error;
  }
}

/** The error of a writer who lost every turn. */
export function busy(action: string, id: string): ServiceError {
  return new ServiceError("ABORTED", `Cannot ${action} destination "${id}": others keep changing it`);
}
