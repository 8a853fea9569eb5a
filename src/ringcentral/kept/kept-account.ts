import type { KeptExtension } from "../tables/extension-row.ts";
import { KeptCurrent, type KeptEnds } from "../tables/kept.ts";
import type { KeptQueue } from "../tables/queue-row.ts";
import type { KeptTables } from "../tables/tables.ts";
import { decodePart, ENDS_PART, queueIdIn } from "./kept-record.ts";

/** The longest that a destination may want to go by what was known last, in milliseconds: older is of no use. */
const KEPT_FOR_MS = 3_600_000;

/** What was kept of one account. */
export interface KeptAccount {
  readonly accountId: string;
  readonly tables: KeptTables;
  /** All that was to be written together was, and is not damaged; else only the times of reads are believed. */
  readonly whole: boolean;
  /** The parts that are in the store. */
  readonly stored: ReadonlySet<string>;
  /** Those of them that are of no use. */
  readonly useless: ReadonlySet<string>;
}

/** One part as the store has it. */
export interface StoredPart {
  readonly part: string;
  readonly value: Uint8Array;
  readonly revision: number;
}

/** What an account's parts say, as far as it can be believed at `now`, Unix milliseconds. */
export function readAccount(accountId: string, parts: readonly StoredPart[], now: number): KeptAccount {
  const queues = new Map<string, KeptQueue>();
  const extensions = new Map<string, KeptExtension>();
  const useless = new Set<string>();
  const last = parts.find(({ part }) => part === ENDS_PART);
  const said = last && decodePart(last.value).ends;
  const times: number[] = [];
  let whole = !last || said !== undefined;
  const keeping = new KeptCurrent(accountId, () => undefined);
  const others = parts.filter((part) => part !== last).map((part) => ({ ...part, ...decodePart(part.value) }));
  for (const { queue, rows, revision } of others) {
    whole &&= (queue ?? rows) !== undefined && (!last || revision < last.revision);
  }
  const ends = whole ? newEnough(said ?? [], now) : [];
  keeping.restore(ends);

  for (const { part, queue, rows = [] } of others) {
    let useful = false;
    const take = (newest: number): boolean => {
      times.push(newest);
      if (newest < now - KEPT_FOR_MS) return false;
      useful = true;
      return true;
    };
    const queueId = queueIdIn(part);
    if (queue && take(newestOf(queue, keeping.queue(queueId, queue.readAt).at))) queues.set(queueId, queue);
    for (const [id, row] of rows) {
      if (take(newestOf(row, keeping.extension(id, row.readAt).at))) extensions.set(id, row);
    }
    if (!useful) useless.add(part);
  }
  const stored = new Set(parts.map(({ part }) => part));
  // Of a time to come nothing can be said of how old it is: the system's clock was put back.
  if (times.some((time) => time > now)) {
    const tables = { queues: new Map(), extensions: new Map(), ends: [] };
    return { accountId, tables, whole: false, stored, useless: stored };
  }
  if (last && !said) useless.add(ENDS_PART);
  return { accountId, tables: { queues, extensions, ends }, whole, stored, useless };
}

/** When the newest was known that a row says. */
function newestOf(row: KeptQueue | KeptExtension, keptAt: number): number {
  const heard: readonly (readonly [string, unknown, number])[] =
    "ownLists" in row ? [...row.told, ...row.ownLists] : row.told;
  return heard.reduce((newest, [, , at]) => Math.max(newest, at), keptAt);
}

function newEnough(kept: readonly KeptEnds[], now: number): readonly KeptEnds[] {
  return kept.flatMap(({ keys, ends }) => {
    const left = ends.filter(({ aliveAt }) => aliveAt >= now - KEPT_FOR_MS);
    return left.length > 0 ? [{ keys, ends: left }] : [];
  });
}
