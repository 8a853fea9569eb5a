import { extensionText, selectRecords } from "../acceptance/canonical.ts";
import type { PresenceDocument } from "../acceptance/document.ts";
import type { JsonValue } from "../acceptance/json.ts";

/** One agent of a queue as it was read; what the answer did not say is absent. */
export interface AgentRecord {
  readonly extensionId: string;
  readonly extensionNumber: string;
  readonly name: string;
  readonly acceptQueueCalls?: boolean;
  readonly acceptCurrentQueueCalls?: boolean;
  readonly presenceStatus?: string;
  readonly userStatus?: string;
  readonly dndStatus?: string;
  readonly telephonyStatus?: string;
}

const FLAGS = ["acceptQueueCalls", "acceptCurrentQueueCalls"] as const;
const STATUSES = ["presenceStatus", "userStatus", "dndStatus", "telephonyStatus"] as const;

/** The agents that a destination counts, in the order of the answer. */
export function agentRecords(
  document: PresenceDocument,
  onlyExtensions: ReadonlySet<string> = new Set(),
): AgentRecord[] {
  return selectRecords(document, onlyExtensions).map((record) => ({
    extensionId: extensionText(record, "id") ?? "",
    extensionNumber: extensionText(record, "extensionNumber") ?? "",
    name: extensionText(record, "name") ?? "",
    ...typed(record, FLAGS, "boolean"),
    ...typed(record, STATUSES, "string"),
  }));
}

function typed(record: Readonly<Record<string, JsonValue>>, names: readonly string[], type: "boolean" | "string") {
  return Object.fromEntries(names.filter((name) => typeof record[name] === type).map((name) => [name, record[name]]));
}
