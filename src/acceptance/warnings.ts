import type { Warning } from "../lib/errors.ts";
import { canonicalRecord } from "./canonical.ts";
import type { Criteria, JsonPathCriterion, RegexCriterion } from "./criterion.ts";
import { isExtensionField, isPresenceField } from "./fields.ts";
import type { JsonObject } from "./json.ts";
import { keysAgainstOrder } from "./key-order.ts";
import { doNotDisturbRecords } from "./samples.ts";
import { dependsOnLayout, finds } from "./try-out.ts";

type Warn = (part: string, reason: string, description: string) => void;

/** What is allowed in compiled criteria and probably not meant; `field` is the path of the criteria. */
export function warningsAbout(criteria: Criteria, field: string): readonly Warning[] {
  const warnings: Warning[] = [];
  const warn: Warn = (part, reason, description) => warnings.push({ field: `${field}.${part}`, reason, description });
  const { criterion, detail } = criteria;
  if (criterion.kind === "agents") {
    // The other counts do not depend on calls, or are refused where calls are not seen.
    if (detail === "QUEUE" && (criterion.count === "AVAILABLE" || criterion.count === "UNKNOWN")) {
      const consequence =
        criterion.count === "AVAILABLE"
          ? "counts agents who are on a call too"
          : "takes agents for free who are on a call";
      const description = `${consequence}: the queue's answer does not show calls in progress`;
      warn("agents.count", "CALLS_IN_PROGRESS_NOT_SEEN", description);
    }
    return warnings;
  }
  const part = criterion.kind === "regex" ? "regex.pattern" : "json_path.path";
  if (countsDoNotDisturb(criterion)) {
    warn(part, "COUNTS_DO_NOT_DISTURB", "counts agents on Do Not Disturb too; agents AVAILABLE leaves them out");
  }
  const absent = detail === "QUEUE" ? criterion.fields.filter(isExtensionField) : [];
  if (absent.length > 0) {
    const description = `names ${absent.join(", ")}, which RingCentral's queue answer does not carry: ${withoutFields(criterion, absent.some(isPresenceField))}`;
    warn(part, "FIELD_NOT_IN_QUEUE_ANSWER", description);
  }
  if (criterion.kind === "regex") warnAboutText(criterion, warn);
  else if ((criterion.type === "NUMBER" || criterion.type === "BOOLEAN") && !criterion.path.singular) {
    const description = `may find any number of nodes, and ${criterion.type} fails unless it finds exactly one`;
    warn(part, "PATH_NOT_SINGULAR", description);
  }
  return warnings;
}

function withoutFields(criterion: RegexCriterion | JsonPathCriterion, open: boolean): string {
  if (criterion.kind === "json_path") return "it is absent there";
  return criterion.scope === "RECORDS" && open
    ? "records that lack it and do not match are open, so the answer is often PRESENCE_UNKNOWN"
    : "it never matches there";
}

function warnAboutText(criterion: RegexCriterion, warn: Warn): void {
  const swapped = criterion.scope === "RAW" ? undefined : keysAgainstOrder(criterion.pattern.used);
  if (swapped !== undefined) {
    const description = `names ${swapped[0]} before ${swapped[1]}, but canonical text has them the other way round`;
    warn("regex.pattern", "KEYS_AGAINST_CANONICAL_ORDER", description);
  }
  if (dependsOnLayout(criterion)) {
    const description =
      criterion.scope === "RAW"
        ? "finds different things in the same answer printed in different layouts, and RAW is whatever the server prints"
        : `finds in some layouts of sample answers something else than "${criterion.pattern.used}" finds in canonical text`;
    warn("regex.pattern", "LAYOUTS_DISAGREE", description);
  }
}

/** Whether an agent on Do Not Disturb counts for being opted in alone. */
function countsDoNotDisturb(criterion: RegexCriterion | JsonPathCriterion): boolean {
  const optedOut = doNotDisturbRecords(false);
  return doNotDisturbRecords(true).some(
    (record, index) => counts(criterion, record) && !counts(criterion, optedOut[index]!),
  );
}

function counts(criterion: RegexCriterion | JsonPathCriterion, record: JsonObject): boolean {
  if (criterion.kind === "regex")
    return criterion.type !== "CAPTURE" && criterion.pattern.re.test(canonicalRecord(record));
  return (criterion.type === "COUNT" || criterion.type === "EXISTS") && finds(criterion.path, { records: [record] });
}
