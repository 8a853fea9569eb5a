import type { JsonObject } from "./json.ts";

/** What was read about each agent: the queue's answer alone, or joined with the extension's presence. */
export type PresenceDetail = "QUEUE" | "QUEUE_AND_EXTENSION";

export type AgentCountName =
  | "AVAILABLE"
  | "TOTAL"
  | "ACCEPTING"
  | "DO_NOT_DISTURB"
  | "ON_CALL"
  | "OFFLINE"
  | "UNKNOWN"
  | "OPTED_OUT";

/** AgentCounts says how many agents are known to be what; a count that cannot be known is absent, never 0. */
export interface AgentCounts {
  readonly total?: number;
  readonly available?: number;
  readonly accepting?: number;
  readonly doNotDisturb?: number;
  readonly onCall?: number;
  readonly offline?: number;
  readonly unknown?: number;
  readonly optedOut?: number;
}

/** Three-valued: known to belong, known not to, or undefined when the record does not say. */
export type Belonging = boolean | undefined;

type Judge = (record: JsonObject, detail: PresenceDetail) => Belonging;

/** Whether the agent of a record belongs to a count. */
export const belongs: Readonly<Record<AgentCountName, Judge>> = {
  TOTAL: () => true,
  ACCEPTING: ({ acceptCurrentQueueCalls: flag }) => (typeof flag === "boolean" ? flag : undefined),
  OPTED_OUT: ({ acceptCurrentQueueCalls: flag }) => (typeof flag === "boolean" ? !flag : undefined),
  DO_NOT_DISTURB: doesNotDisturb,
  ON_CALL: (record, detail) => (detail === "QUEUE" ? undefined : isOnCall(record)),
  OFFLINE: ({ presenceStatus: status }, detail) =>
    detail === "QUEUE" || typeof status !== "string" ? undefined : status === "Offline",
  AVAILABLE: isAvailable,
  UNKNOWN: (record, detail) => isAvailable(record, detail) === undefined,
};

/** Counts agents: each count holds those known to belong, and is absent when that is unknown of every agent there is. */
export function countAgents(records: readonly JsonObject[], detail: PresenceDetail): AgentCounts {
  const count = (name: AgentCountName): number | undefined => {
    const judge = belongs[name];
    let yes = 0;
    let known = records.length === 0;
    for (const record of records) {
      const belonging = judge(record, detail);
      if (belonging !== undefined) known = true;
      if (belonging) yes++;
    }
    return known ? yes : undefined;
  };
  const joined = detail === "QUEUE_AND_EXTENSION";
  const counts = {
    total: count("TOTAL"),
    available: count("AVAILABLE"),
    accepting: count("ACCEPTING"),
    doNotDisturb: count("DO_NOT_DISTURB"),
    onCall: joined ? count("ON_CALL") : undefined,
    offline: joined ? count("OFFLINE") : undefined,
    unknown: count("UNKNOWN"),
    optedOut: count("OPTED_OUT"),
  };
  for (const name of Object.keys(counts) as (keyof AgentCounts)[]) if (counts[name] === undefined) delete counts[name];
  return counts as AgentCounts;
}

/** One known "no" decides; else one unknown leaves it open. A call in progress is only seen in the joined detail. */
function isAvailable(record: JsonObject, detail: PresenceDetail): Belonging {
  const accepting = belongs.ACCEPTING(record, detail);
  const disturbable = not(doesNotDisturb(record));
  const free = detail === "QUEUE" ? true : not(isOnCall(record));
  if (accepting === false || disturbable === false || free === false) return false;
  return accepting && disturbable && free;
}

function doesNotDisturb(record: JsonObject): Belonging {
  const { acceptQueueCalls, acceptCallQueueCalls } = record;
  // RingCentral's "Unknown" says as little as an absent status.
  const status = known(record.dndStatus);
  const personal = known(record.dndStatusPersonal);
  if (
    acceptQueueCalls === false ||
    acceptCallQueueCalls === false ||
    status === "DoNotAcceptAnyCalls" ||
    status === "DoNotAcceptDepartmentCalls" ||
    personal === "DoNotAcceptAnyCalls"
  ) {
    return true;
  }
  const said = acceptQueueCalls === true || acceptCallQueueCalls === true || (status ?? personal) !== undefined;
  return said ? false : undefined;
}

function isOnCall({ aggregatedTelephonyStatus, telephonyStatus }: JsonObject): Belonging {
  const status = known(aggregatedTelephonyStatus) ?? known(telephonyStatus);
  return status === undefined ? undefined : status !== "NoCall";
}

function known(status: JsonObject[string] | undefined): string | undefined {
  return typeof status === "string" && status !== "Unknown" ? status : undefined;
}

function not(belonging: Belonging): Belonging {
  return belonging === undefined ? undefined : !belonging;
}
