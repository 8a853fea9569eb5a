import type { ChangeRow, CountRow, HistoryRows, HistoryQuery as StoreQuery } from "../stores/history.ts";
import type { Answer } from "./answer.ts";
import { parseAnswer } from "./answer-text.ts";

/** A change as it happened; without an answer the destination was removed. Times are Unix milliseconds. */
export interface Change {
  readonly destinationId: string;
  readonly version: bigint;
  readonly time: number;
  readonly answer: Answer | undefined;
}

/** The page to be given: `after` is `next` of the page before, undefined = the first; `size` is 1 or more. */
export type HistoryQuery = Omit<StoreQuery, "minutes">;

export interface HistoryPage {
  /** In the order of versions. The first page begins with the state in force at the start, if there was one. */
  readonly changes: readonly Answer[];
  /** On the first page: how Checks were answered, in the order of minutes. */
  readonly counts: readonly CountRow[];
  /** Where the next page begins; undefined = this is the last one. */
  readonly next: bigint | undefined;
}

/**
 * Puts together what is stored and what is held in memory: changes in order, none of them older than what is stored, but
 * some of them stored already. `stored` holds one change more than a page, if there is one.
 */
export function historyPage(
  query: HistoryQuery,
  stored: HistoryRows,
  held: { changes: readonly Change[]; counts: readonly CountRow[] },
): HistoryPage {
  const { startMs, endMs, size, after } = query;
  const heldInRange = held.changes.filter(
    ({ version, time, answer }) => answer && version > (after ?? -1n) && time >= startMs && time < endMs,
  );
  const inRange = [
    ...new Map([...stored.changes.map(parse), ...heldInRange].map((row) => [row.version, row])).values(),
  ];
  const first = after === undefined && inForce(query, inRange[0], stored, held.changes);
  const all = first ? [first, ...inRange] : inRange;
  const page = all.slice(0, size);
  return {
    changes: page.flatMap(({ answer }) => answer ?? []),
    counts: sum([...stored.counts, ...held.counts]),
    next: all.length > size ? page.at(-1)?.version : undefined,
  };
}

/** The last change before the range, if it left a state: after a removal there is none. */
function inForce(
  { startMs }: HistoryQuery,
  first: Change | undefined,
  { before }: HistoryRows,
  held: readonly Change[],
): Change | undefined {
  const earlier = held.filter(({ version, time }) => time < startMs && (!first || version < first.version));
  const last = earlier.at(-1) ?? (before && parse(before));
  return last?.answer && last;
}

function sum(rows: readonly CountRow[]): CountRow[] {
  const sums = new Map<string, CountRow>();
  for (const row of rows) {
    const key = `${row.minute} ${row.reason}`;
    const { count = 0, accepted = 0 } = sums.get(key) ?? {};
    sums.set(key, { ...row, count: row.count + count, accepted: row.accepted + accepted });
  }
  return [...sums.values()].sort((a, b) => a.minute - b.minute || (a.reason < b.reason ? -1 : 1));
}

function parse(row: ChangeRow): Change {
  return { ...row, answer: row.answer === undefined ? undefined : parseAnswer(row.answer, row) };
}
