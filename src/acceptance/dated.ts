import type { AgentCountName, PresenceDetail } from "./agents.ts";
import type { AgentsCriterionSpec, JsonPathCriterion, RegexCriterion } from "./criterion.ts";
import { type Field, fieldsNamedIn, isExtensionField } from "./fields.ts";

/**
 * A part of a presence document that is observed by itself: whether agents are opted in to the queue
 * (acceptCurrentQueueCalls), whether they take queue calls at all (acceptQueueCalls), what comes from the extension's own
 * presence, and the answer of the queue as a whole.
 */
export type Dated = "optIn" | "doNotDisturb" | "extension" | "answer";

const IN_ORDER: readonly Dated[] = ["optIn", "doNotDisturb", "extension", "answer"];

const QUEUE_PARTS: Readonly<Record<AgentCountName, readonly Dated[]>> = {
  TOTAL: ["answer"],
  ACCEPTING: ["optIn"],
  OPTED_OUT: ["optIn"],
  DO_NOT_DISTURB: ["doNotDisturb"],
  ON_CALL: ["extension"],
  OFFLINE: ["extension"],
  AVAILABLE: ["optIn", "doNotDisturb"],
  UNKNOWN: ["optIn", "doNotDisturb"],
};
const MADE_OF_EXTENSION_TOO: ReadonlySet<AgentCountName> = new Set(["DO_NOT_DISTURB", "AVAILABLE", "UNKNOWN"]);

/** The parts that a criterion and a property path look at; the age of what they say is that of the oldest of them. */
export function partsLookedAt(
  criterion: RegexCriterion | JsonPathCriterion | AgentsCriterionSpec,
  propertyPath: string | undefined,
  detail: PresenceDetail,
): readonly Dated[] {
  const parts = new Set(partsOfCriterion(criterion, detail));
  if (propertyPath !== undefined) for (const part of partsNamedIn(propertyPath, detail)) parts.add(part);
  return IN_ORDER.filter((part) => parts.has(part));
}

function partsOfCriterion(
  criterion: RegexCriterion | JsonPathCriterion | AgentsCriterionSpec,
  detail: PresenceDetail,
): readonly Dated[] {
  if (criterion.kind === "json_path") return partsNamedIn(criterion.path.written, detail);
  if (criterion.kind === "regex") {
    return criterion.scope === "RAW" ? ["answer"] : partsNamedIn(criterion.pattern.written, detail);
  }
  const parts = QUEUE_PARTS[criterion.count];
  const joined = detail === "QUEUE_AND_EXTENSION" && MADE_OF_EXTENSION_TOO.has(criterion.count);
  return joined ? [...parts, "extension"] : parts;
}

/** A text that names no field may find anything in what there is. */
function partsNamedIn(text: string, detail: PresenceDetail): readonly Dated[] {
  const fields = fieldsNamedIn(text);
  if (fields.length > 0) return fields.map(partOf);
  return detail === "QUEUE" ? ["answer"] : ["answer", "extension"];
}

function partOf(field: Field): Dated {
  if (isExtensionField(field)) return "extension";
  return field === "acceptQueueCalls" ? "doNotDisturb" : "optIn";
}
