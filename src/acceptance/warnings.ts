import type { Warning } from "../lib/errors.ts";
import type { Criteria, RegexCriterion } from "./criteria.ts";
import { EXTENSION_FIELDS } from "./fields.ts";
import { keysAgainstOrder } from "./key-order.ts";
import { doNotDisturbRecords } from "./samples.ts";
import { dependsOnLayout } from "./try-out.ts";

/** What is allowed in compiled criteria and probably not meant; `field` is the path of the criteria. */
export function warningsAbout({ criterion, detail }: Criteria, field: string): readonly Warning[] {
  const warnings: Warning[] = [];
  const warn = (part: string, reason: string, description: string) =>
    warnings.push({ field: `${field}.${part}`, reason, description });
  if (criterion.kind === "agents") {
    if (criterion.count === "AVAILABLE" && detail === "QUEUE") {
      warn(
        "agents.count",
        "CALLS_IN_PROGRESS_NOT_SEEN",
        "counts agents who are on a call too: the queue's answer does not show calls in progress",
      );
    }
    return warnings;
  }
  if (countsDoNotDisturb(criterion)) {
    warn(
      "regex.pattern",
      "COUNTS_DO_NOT_DISTURB",
      "counts agents on Do Not Disturb too; agents AVAILABLE leaves them out",
    );
  }
  const absent = detail === "QUEUE" ? criterion.fields.filter((name) => EXTENSION_FIELDS.includes(name)) : [];
  if (absent.length > 0) {
    const consequence =
      criterion.scope === "RECORDS"
        ? "records that lack it and do not match are open, so the answer is often PRESENCE_UNKNOWN"
        : "it never matches there";
    warn(
      "regex.pattern",
      "FIELD_NOT_IN_QUEUE_ANSWER",
      `names ${absent.join(", ")}, which RingCentral's queue answer does not carry: ${consequence}`,
    );
  }
  const swapped = criterion.scope === "RAW" ? undefined : keysAgainstOrder(criterion.pattern.used);
  if (swapped !== undefined) {
    warn(
      "regex.pattern",
      "KEYS_AGAINST_CANONICAL_ORDER",
      `names ${swapped[0]} before ${swapped[1]}, but canonical text has them the other way round`,
    );
  }
  if (dependsOnLayout(criterion)) {
    const description =
      criterion.scope === "RAW"
        ? "finds different things in the same answer printed in different layouts, and RAW is whatever the server prints"
        : `finds in some layouts of sample answers something else than "${criterion.pattern.used}" finds in canonical text`;
    warn("regex.pattern", "LAYOUTS_DISAGREE", description);
  }
  return warnings;
}

/** Whether an agent on Do Not Disturb counts for being opted in alone. */
function countsDoNotDisturb({ type, pattern: { re } }: RegexCriterion): boolean {
  if (type === "CAPTURE") return false;
  const optedOut = doNotDisturbRecords(false);
  return doNotDisturbRecords(true).some((record, index) => re.test(record) && !re.test(optedOut[index]!));
}
