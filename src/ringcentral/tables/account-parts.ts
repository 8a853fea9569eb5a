import type { KeptAccount } from "../kept/kept-account.ts";
import {
  ENDS_PART,
  type ExtensionRows,
  encodePart,
  extensionPart,
  isQueuePart,
  LARGEST_PART,
  partPrefix,
  queueIdIn,
  queuePart,
} from "../kept/kept-record.ts";
import type { Tables } from "./tables.ts";

type Row = ExtensionRows[number];

export type KeepableTables = Pick<
  Tables,
  "listen" | "members" | "dumpQueue" | "dumpExtension" | "dumpEnds" | "restore"
>;

/** One part as it is to be in the store; undefined = not at all. */
export interface PartWrite {
  readonly part: string;
  readonly key: string;
  readonly value: Uint8Array | undefined;
}

/** AccountParts is what the store has of one account, and what of it is to be written. Without tables nothing is to stay. */
export class AccountParts {
  readonly #prefix: string;
  readonly #stored: Set<string>;
  readonly #dirty: Set<string>;
  #kept: KeptAccount | undefined;
  #tables: KeepableTables | undefined;
  /** The ends as they were written last. */
  #ends = "";
  /** The part, and its size in bytes, that is too large for the store: then nothing is kept, or it would not be whole. */
  tooLarge: { readonly part: string; readonly bytes: number } | undefined;

  constructor(connection: string, accountId: string, kept?: KeptAccount) {
    this.#prefix = partPrefix(connection, accountId);
    this.#kept = kept;
    this.#stored = new Set(kept?.stored);
    this.#dirty = new Set(kept?.useless);
  }

  /** Restores what was kept, and keeps these tables from now on. */
  keep(tables: KeepableTables, onDirty: () => void): void {
    if (this.#kept) tables.restore(this.#kept.tables);
    // What other tables left is kept up by nobody.
    else for (const part of this.#stored) this.#dirty.add(part);
    this.#kept = undefined;
    this.tooLarge = undefined;
    this.#tables = tables;
    tables.listen((kind, id) => {
      this.#dirty.add(kind === "queue" ? queuePart(id) : extensionPart(id));
      onDirty();
    });
    if (this.#dirty.size > 0) onDirty();
  }

  /** These tables are of no use any more. */
  drop(): void {
    this.#tables?.listen(() => {});
    this.#tables = undefined;
  }

  /** All that is to be written as things are at this moment, in order. `pushed`: the state of push is kept too. */
  take(pushed: boolean): PartWrite[] {
    const writes = this.#tables && !this.tooLarge ? this.#takeDirty(this.#tables) : [];
    if (!this.#tables || this.tooLarge) return this.#takeAll();
    if (!pushed && !this.#stored.has(ENDS_PART)) return writes;
    const ends = encodePart({ ends: this.#tables.dumpEnds() });
    if (writes.length > 0 || this.#ends !== ends.toString()) writes.push(this.#write(ENDS_PART, ends));
    return writes;
  }

  written({ part, value }: PartWrite): void {
    if (value) this.#stored.add(part);
    else this.#stored.delete(part);
    if (part === ENDS_PART) this.#ends = value?.toString() ?? "";
  }

  notWritten(writes: readonly PartWrite[]): void {
    for (const { part } of writes) if (part !== ENDS_PART) this.#dirty.add(part);
    this.#ends = "";
  }

  /** Nothing is to stay, and first to go is what promises that the rest is there. */
  #takeAll(): PartWrite[] {
    this.#kept = undefined;
    this.#dirty.clear();
    const parts = [...this.#stored].filter((part) => part !== ENDS_PART);
    if (this.#stored.has(ENDS_PART)) parts.unshift(ENDS_PART);
    return parts.map((part) => this.#write(part, undefined));
  }

  #takeDirty(tables: KeepableTables): PartWrite[] {
    // Queues before extensions: a row that no queue needs does no harm, a queue that lacks one does.
    const parts = [...this.#dirty]
      .filter((part) => part !== ENDS_PART)
      .toSorted()
      .toReversed();
    this.#dirty.clear();
    const rows = rowsByPart(tables, new Set(parts.filter((part) => !isQueuePart(part))));
    const writes: PartWrite[] = [];
    for (const part of parts) {
      const content = isQueuePart(part) ? tables.dumpQueue(queueIdIn(part)) : rows.get(part);
      const value = content && encodePart(content);
      if (value && value.length > LARGEST_PART) this.tooLarge = { part, bytes: value.length };
      if (value || this.#stored.has(part)) writes.push(this.#write(part, value));
    }
    return writes;
  }

  #write(part: string, value: Uint8Array | undefined): PartWrite {
    return { part, key: `${this.#prefix}${part}`, value };
  }
}

function rowsByPart(tables: KeepableTables, parts: ReadonlySet<string>): Map<string, { rows: Row[] }> {
  const byPart = new Map<string, { rows: Row[] }>();
  for (const id of parts.size > 0 ? tables.members : []) {
    const part = extensionPart(id);
    const row = parts.has(part) ? tables.dumpExtension(id) : undefined;
    if (!row) continue;
    const chunk = byPart.get(part) ?? { rows: [] };
    byPart.set(part, chunk);
    chunk.rows.push([id, row]);
  }
  return byPart;
}
