import type { KeptExtension } from "../tables/extension-row.ts";
import type { KeptEnds } from "../tables/kept.ts";
import type { KeptQueue } from "../tables/queue-row.ts";

// What is known of presence is kept in parts, each JSON under `presence/<connection key>/<account>/<part>`. The parts of
// an account are its queues, its extensions in a fixed number of chunks, and what was written last.

export const PRESENCE = "presence/";
export const RECOVERIES = "push/";
/** Written after every other part that is new, so that a part which is newer shows that not all of them were written. */
export const ENDS_PART = "push/ends";
/** A value that every store takes, in bytes. */
export const LARGEST_PART = 1 << 20;

// An event writes one chunk, a read of the whole account all of them. A prime, or the hash would look at last bits alone.
const CHUNKS = 17;
const QUEUE = "queue/";
const FORMAT = 1;

/** Where the parts of an account are kept. */
export function partPrefix(connection: string, accountId: string): string {
  return `${PRESENCE}${connection}/${accountId === "~" ? "self" : accountId}/`;
}

/** What a key is of; undefined when it is none of these. A connection's key may have any number of names. */
export function parsePartKey(key: string): { connection: string; accountId: string; part: string } | undefined {
  const names = key.slice(PRESENCE.length).split("/");
  if (!key.startsWith(PRESENCE) || names.length < 4) return undefined;
  const account = names.at(-3)!;
  return {
    connection: names.slice(0, -3).join("/"),
    accountId: account === "self" ? "~" : account,
    part: names.slice(-2).join("/"),
  };
}

/** What resumes the push of a connection. */
export function recoveryKey(connection: string): string {
  return `${RECOVERIES}${connection}`;
}

export function queuePart(queueId: string): string {
  return `${QUEUE}${queueId}`;
}

export function isQueuePart(part: string): boolean {
  return part.startsWith(QUEUE);
}

export function queueIdIn(part: string): string {
  return part.slice(QUEUE.length);
}

/** The part that an extension is kept in. */
export function extensionPart(extensionId: string): string {
  let hash = 0;
  for (const character of extensionId) hash = (hash * 31 + character.codePointAt(0)!) % CHUNKS;
  return `extensions/${hash}`;
}

export type ExtensionRows = readonly (readonly [extensionId: string, row: KeptExtension])[];

export function encodePart(content: KeptQueue | { rows: ExtensionRows } | { ends: readonly KeptEnds[] }): Buffer {
  return Buffer.from(JSON.stringify({ format: FORMAT, ...content }));
}

/** What encodePart() wrote: exactly one of these, or none when it is damaged or of another format. */
export function decodePart(bytes: Uint8Array): {
  readonly queue?: KeptQueue;
  readonly rows?: ExtensionRows;
  readonly ends?: readonly KeptEnds[];
} {
  try {
    const { format, ...content } = Object(JSON.parse(Buffer.from(bytes).toString()));
    if (format !== FORMAT) return {};
    if (isQueue(content)) return { queue: content };
    if (isList(content.rows, ([id, row]: unknown[]) => typeof id === "string" && isRow(row))) return content;
    return isList(content.ends, isEnds) ? content : {};
  } catch {
    return {};
  }
}

function isQueue({ raw, readAt, told, ownLists }: Partial<Record<string, unknown>>): boolean {
  return typeof raw === "string" && typeof readAt === "number" && Array.isArray(told) && Array.isArray(ownLists);
}

function isRow(row: unknown): boolean {
  const { readAt, read, told } = Object(row);
  return typeof readAt === "number" && typeof read === "object" && read !== null && Array.isArray(told);
}

function isEnds(entry: unknown): boolean {
  const { keys, ends } = Object(entry);
  return Array.isArray(keys) && Array.isArray(ends);
}

function isList(value: unknown, isItem: (item: never) => boolean): boolean {
  return Array.isArray(value) && value.every((item) => isItem(item as never));
}
