import { type AgentCountName, belongs, type PresenceDetail } from "./agents.ts";
import { extensionText } from "./canonical.ts";
import type { Criteria } from "./criterion.ts";
import type { PresenceDocument } from "./document.ts";
import { lacking } from "./evaluate.ts";
import type { JsonObject } from "./json.ts";

/** RecordResult is what criteria found in one record of the presence answer. */
export interface RecordResult {
  /** Position in the answer's `records`, from 0. */
  readonly index: number;
  /** Empty when the record does not say; so are the next two. */
  readonly extensionId: string;
  readonly name: string;
  readonly extensionNumber: string;
  /** The record counts: a match or a node lies in it, or the agent belongs to the count. */
  readonly matched: boolean;
  /** It does not count, and might if it said more. */
  readonly open: boolean;
  /** It is left out by only_extensions. */
  readonly filteredOut: boolean;
}

/** What came of looking at the records one by one. */
export interface Tally {
  /** Records that the criteria look at. */
  readonly lookedAt: number;
  /** Records that only_extensions leaves out. */
  readonly leftOut: number;
  /** Absent when it is not known which records count. */
  readonly matched?: number;
  readonly open: number;
  /** The fields for want of which records are open. */
  readonly lacking: readonly string[];
}

/** The result for each record; `counted` holds the positions of those that count, among the selected ones, if known. */
export function resultsPerRecord(
  criteria: Criteria,
  document: PresenceDocument,
  selected: readonly JsonObject[],
  counted: ReadonlySet<number> | undefined,
): { readonly records: readonly RecordResult[]; readonly tally: Tally } {
  const positions = new Map(selected.map((record, position) => [record, position]));
  const lacking = new Set<string>();
  const records = document.records.map((record, index): RecordResult => {
    const position = positions.get(record);
    const matched = position !== undefined && counted?.has(position) === true;
    const missing = matched || position === undefined || counted === undefined ? [] : fieldsMissed(criteria, record);
    for (const field of missing) lacking.add(field);
    return {
      index,
      extensionId: extensionText(record, "id") ?? "",
      name: extensionText(record, "name") ?? "",
      extensionNumber: extensionText(record, "extensionNumber") ?? "",
      matched,
      open: missing.length > 0,
      filteredOut: position === undefined,
    };
  });
  const tally = {
    lookedAt: selected.length,
    leftOut: records.length - selected.length,
    ...(counted === undefined ? {} : { matched: counted.size }),
    open: records.filter(({ open }) => open).length,
    lacking: [...lacking],
  };
  return { records, tally };
}

/** Positions of the agents that belong to the count. */
export function positionsOf(
  count: AgentCountName,
  records: readonly JsonObject[],
  detail: PresenceDetail,
): Set<number> {
  return new Set(records.flatMap((record, position) => (belongs[count](record, detail) ? [position] : [])));
}

// The field that tells, for the counts that are not made of others.
const TELLING = {
  ACCEPTING: "acceptCurrentQueueCalls",
  OPTED_OUT: "acceptCurrentQueueCalls",
  DO_NOT_DISTURB: "acceptQueueCalls",
  ON_CALL: "telephonyStatus",
  OFFLINE: "presenceStatus",
} as const;

/** The fields for want of which it is open whether a record counts. */
function fieldsMissed({ criterion, detail }: Criteria, record: JsonObject): readonly string[] {
  if (criterion.kind === "regex") {
    return criterion.scope === "RECORDS" ? lacking(criterion.fields, record) : [];
  }
  if (criterion.kind === "json_path" || belongs[criterion.count](record, detail) !== undefined) return [];
  const parts = Object.keys(TELLING) as (keyof typeof TELLING)[];
  const made =
    criterion.count === "AVAILABLE" ? AVAILABLE_IS_MADE_OF[detail] : parts.filter((it) => it === criterion.count);
  return made.filter((part) => belongs[part](record, detail) === undefined).map((part) => TELLING[part]);
}

const AVAILABLE_IS_MADE_OF = {
  QUEUE: ["ACCEPTING", "DO_NOT_DISTURB"],
  QUEUE_AND_EXTENSION: ["ACCEPTING", "DO_NOT_DISTURB", "ON_CALL"],
} as const;
