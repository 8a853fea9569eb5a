import { canonicalBody, withRecords } from "./canonical.ts";
import type { Criteria } from "./criterion.ts";
import type { PresenceDocument } from "./document.ts";
import { type Gate, isTooLarge } from "./gate.ts";
import type { JsonObject } from "./json.ts";
import { positionsOf } from "./record-results.ts";
import { recordTexts } from "./record-texts.ts";

/** The most matches shown. */
export const MAX_MATCHES = 1000;

/** A part of a text, in UTF-16 units. */
export type Part = readonly [start: number, end: number];

/** The whole text that is shown of a document, and the parts of it that a pattern is applied to one by one. */
export interface View {
  readonly text: string;
  readonly searched: readonly Part[];
  /** The records; none when they are not told apart in the text. */
  readonly records: readonly Part[];
}

/** What criteria look at: canonical text, or for RAW the answer as received. */
export function viewOf({ criterion }: Criteria, document: PresenceDocument, selected: readonly JsonObject[]): View {
  const scope = criterion.kind === "regex" ? criterion.scope : "RECORDS";
  if (scope === "RAW") return { text: document.raw, searched: [[0, document.raw.length]], records: [] };
  const texts = recordTexts(document, selected);
  const { text, starts } = canonicalBody(document, texts);
  const records = starts.map((start, index): Part => [start, start + texts[index]!.length]);
  return { text, searched: scope === "BODY" ? [[0, text.length]] : records, records };
}

export interface Counts {
  /** Positions, among the selected records, of those that count; absent when that cannot be told. */
  readonly counted?: ReadonlySet<number>;
  /** Matches in the whole text, rising. */
  readonly matches: readonly Part[];
  /** A sentence about what is not shown. */
  readonly note?: string;
}

/** Finds which records count and where the matches are, under the bounds of an evaluation. */
export async function whatCounts(
  gate: Gate,
  { criterion, detail }: Criteria,
  document: PresenceDocument,
  selected: readonly JsonObject[],
  { text, searched, records }: View,
): Promise<Counts> {
  if (criterion.kind === "agents") return { counted: positionsOf(criterion.count, selected, detail), matches: [] };
  if (criterion.kind === "json_path") {
    const outcome = await gate.find(criterion.path, Number.POSITIVE_INFINITY, withRecords(document, selected));
    if (outcome.ok) return { counted: new Set(outcome.found.records), matches: [] };
    return { matches: [], note: `What the path finds is not shown, because ${outcome.problem}` };
  }
  if (criterion.scope !== "RECORDS" && isTooLarge(text)) return { matches: [] };
  const most = criterion.type === "CAPTURE" ? 1 : MAX_MATCHES;
  const texts = searched.map(([start, end]) => text.slice(start, end));
  const outcome = await gate.locate(criterion.pattern, most + 1, texts);
  if (!outcome.ok) return { matches: [], note: `The matches are not shown, because ${outcome.problem}` };
  const { matched, spans } = outcome.found;
  const matches = spans.slice(0, most).map(([part, start, end]): Part => {
    const from = searched[part]![0];
    return [from + start, from + end];
  });
  const counted = new Set(criterion.scope === "RECORDS" ? matched : touched(records, matches));
  return most === MAX_MATCHES && spans.length > most
    ? { counted, matches, note: `Only the first ${most} matches are shown` }
    : { counted, matches };
}

/** Positions of the records that share at least a character with a match; both are in order and do not overlap. */
function touched(records: readonly Part[], matches: readonly Part[]): readonly number[] {
  let next = 0;
  return records.flatMap(([start, end], position) => {
    while (next < matches.length && matches[next]![1] <= start) next++;
    return next < matches.length && matches[next]![0] < end ? [position] : [];
  });
}
