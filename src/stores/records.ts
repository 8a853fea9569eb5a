import { ServiceError } from "../lib/errors.ts";
import { ID_PATTERN } from "../lib/ids.ts";
import type { Revision, Store } from "./store.ts";

// What is configured is kept as records: JSON under an id, each with a revision of its own that outlives deletion.

type Json = Readonly<Record<string, unknown>>;

/** What every record holds: a message with the revision that callers see. */
export interface Versioned {
  readonly message: { readonly revision: bigint };
}

/** RecordKind says how one kind of thing is kept. */
export interface RecordKind<R extends Versioned> {
  /** What errors call it, and the name that its message has in the JSON, for example "destination". */
  readonly noun: string;
  /** Before the id in the store's key, for example "destinations/". */
  readonly prefix: string;
  toJson(record: R): Json;
  /** Throws an Error that says what is wrong. */
  fromJson(json: Json): R;
}

/** A record that this release cannot read; `revision` is its last one as far as that can be seen. */
export interface Unreadable {
  readonly unreadable: string;
  readonly revision: bigint;
}

/** What stays of what was deleted, for good: a new one of its id counts on from this revision. */
export interface Tombstone {
  readonly deletedRevision: bigint;
}

/** What the store holds of one id. */
export interface Stored<R> {
  readonly revision: Revision | "absent";
  readonly exists: boolean;
  /** Undefined when there is none, or none that can be read. */
  readonly record: R | undefined;
  /** The last revision of this id, of a deleted one too; 0 when there never was one. */
  readonly lastRevision: bigint;
}

// Written with every record; a record of a newer format is refused rather than misread.
const FORMAT = 1;

export function encodeRecord<R extends Versioned>(kind: RecordKind<R>, record: R | Tombstone): Uint8Array {
  const content =
    "deletedRevision" in record ? { deletedRevision: record.deletedRevision.toString() } : kind.toJson(record);
  return Buffer.from(JSON.stringify({ format: FORMAT, ...content }));
}

/** Reads what encodeRecord() wrote. */
export function decodeRecord<R extends Versioned>(kind: RecordKind<R>, bytes: Uint8Array): R | Tombstone | Unreadable {
  let json: Json = {};
  try {
    json = Object(JSON.parse(Buffer.from(bytes).toString()));
    if (json.format !== FORMAT) throw new Error(`its format is ${String(json.format)}, expected ${FORMAT}`);
    if (typeof json.deletedRevision === "string") return { deletedRevision: BigInt(json.deletedRevision) };
    return kind.fromJson(json);
  } catch (error) {
    const unreadable = error instanceof Error ? error.message : String(error);
    const { revision } = Object(json[kind.noun]) as { revision?: unknown };
    const last = Number(revision ?? json.deletedRevision);
    return { unreadable, revision: Number.isSafeInteger(last) && last > 0 ? BigInt(last) : 0n };
  }
}

/** What the store holds of an id; of one that cannot be an id, nothing. */
export async function readStored<R extends Versioned>(
  kind: RecordKind<R>,
  store: Store,
  id: string,
): Promise<Stored<R>> {
  const entry = ID_PATTERN.test(id) ? await store.get(`${kind.prefix}${id}`) : undefined;
  if (!entry) return { revision: "absent", exists: false, record: undefined, lastRevision: 0n };
  const { revision } = entry;
  const record = decodeRecord(kind, entry.value);
  if ("unreadable" in record) return { revision, exists: true, record: undefined, lastRevision: record.revision };
  if ("message" in record) return { revision, exists: true, record, lastRevision: record.message.revision };
  return { revision, exists: false, record: undefined, lastRevision: record.deletedRevision };
}

/** Throws ABORTED when the revision that a caller counts on does not hold; undefined = any, 0 = there must be none. */
export function checkRevision(noun: string, id: string, stored: Stored<unknown>, expected: bigint | undefined): void {
  const current = stored.exists ? stored.lastRevision : 0n;
  if (expected === undefined || expected === current) return;
  throw new ServiceError(
    "ABORTED",
    `Cannot configure ${noun} "${id}": its revision is ${current}, expected ${expected}`,
    {
      metadata: { current_revision: current.toString() },
    },
  );
}
