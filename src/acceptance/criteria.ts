import type { Violation, Warning } from "../lib/errors.ts";
import type { AgentCountName, PresenceDetail } from "./agents.ts";
import type { ConditionName } from "./condition.ts";
import { EXTENSION_FIELDS, fieldsNamedIn, type PresenceField } from "./fields.ts";
import { type CompiledPattern, compileRegex } from "./regex.ts";
import { warningsAbout } from "./warnings.ts";

export type RegexType = "COUNT" | "MATCH" | "CAPTURE";
export type Scope = "RECORDS" | "BODY" | "RAW";

export interface RegexCriterionSpec {
  readonly kind: "regex";
  readonly type: RegexType;
  /** RE2 syntax, 1 to 512 UTF-8 bytes. */
  readonly pattern: string;
  readonly scope: Scope;
}

export interface AgentsCriterionSpec {
  readonly kind: "agents";
  readonly count: AgentCountName;
}

/** Acceptance criteria as configured, with every default filled in. */
export interface CriteriaSpec {
  readonly criterion: RegexCriterionSpec | AgentsCriterionSpec;
  readonly condition: ConditionName;
  readonly value: number;
}

/** The criteria of a RingCentral destination that sets none: an agent accepts this queue's calls. */
export const defaultCriteria: CriteriaSpec = {
  criterion: { kind: "regex", type: "COUNT", pattern: '"acceptCurrentQueueCalls": true', scope: "RECORDS" },
  condition: "GREATER_THAN",
  value: 0,
};

export interface RegexCriterion {
  readonly kind: "regex";
  readonly type: RegexType;
  readonly scope: Scope;
  readonly pattern: CompiledPattern;
  /** Presence fields whose name stands in the pattern. */
  readonly fields: readonly PresenceField[];
}

/** Criteria decide whether a presence document is good enough; they hold nothing uncompiled. */
export interface Criteria {
  readonly criterion: RegexCriterion | AgentsCriterionSpec;
  readonly condition: ConditionName;
  readonly value: number;
  /** The pattern after normalisation, as it runs; absent for criteria without a pattern. */
  readonly patternUsed?: string;
  /** Extension numbers whose records alone are looked at; empty = all. */
  readonly onlyExtensions: ReadonlySet<string>;
  readonly detail: PresenceDetail;
}

/** CriteriaContext is what else a destination says that bears on its criteria. */
export interface CriteriaContext {
  /** Path of the criteria, which begins the path of each violation and warning, for example "destination.acceptance". */
  readonly field: string;
  readonly onlyExtensions: readonly string[];
  readonly detail: PresenceDetail;
}

export type CompiledCriteria =
  | { readonly criteria: Criteria; readonly warnings: readonly Warning[] }
  | { readonly violations: readonly Violation[] };

/** Compiles criteria, or refuses them with every violation at once. */
export function compileCriteria(spec: CriteriaSpec, context: CriteriaContext): CompiledCriteria {
  const violations: Violation[] = [];
  if (!Number.isFinite(spec.value)) {
    const description = `is ${spec.value}, expected a finite number`;
    violations.push({ field: `${context.field}.value`, reason: "NOT_FINITE", description });
  }
  const criterion =
    spec.criterion.kind === "regex"
      ? compilePattern(spec.criterion, context, violations)
      : checkCount(spec.criterion, context, violations);
  if (criterion === undefined || violations.length > 0) return { violations };
  const criteria: Criteria = {
    criterion,
    condition: spec.condition,
    value: spec.value,
    ...(criterion.kind === "regex" ? { patternUsed: criterion.pattern.used } : {}),
    onlyExtensions: new Set(context.onlyExtensions),
    detail: context.detail,
  };
  return { criteria, warnings: warningsAbout(criteria, context.field) };
}

function compilePattern(
  { type, scope, pattern: written }: RegexCriterionSpec,
  context: CriteriaContext,
  violations: Violation[],
): RegexCriterion | undefined {
  const refuse = (part: string, reason: string, description: string) =>
    violations.push({ field: `${context.field}.regex.${part}`, reason, description });
  if (type === "CAPTURE" && scope === "RECORDS") {
    refuse("scope", "CAPTURE_NEEDS_BODY_OR_RAW", "is RECORDS, expected BODY or RAW with type CAPTURE");
  }
  if (scope === "RAW" && context.onlyExtensions.length > 0) {
    refuse("scope", "RAW_WITH_ONLY_EXTENSIONS", "is RAW, whose text cannot be narrowed to only_extensions");
  }
  const fields = fieldsNamedIn(written);
  const joined = fields.filter((field) => EXTENSION_FIELDS.includes(field));
  if (scope === "RAW" && joined.length > 0) {
    const names = joined.join(", ");
    refuse("scope", "RAW_WITH_JOINED_FIELD", `is RAW, whose text is the queue's answer and never carries ${names}`);
  }
  const compiled = compileRegex(written, scope !== "RAW");
  if (!compiled.ok) {
    refuse("pattern", compiled.reason, compiled.description);
    return undefined;
  }
  const groups = compiled.pattern.re.groupCount();
  if (type === "CAPTURE" && groups !== 1) {
    refuse("pattern", "CAPTURE_NEEDS_ONE_GROUP", `has ${groups} groups, expected exactly 1 with type CAPTURE`);
  }
  return { kind: "regex", type, scope, pattern: compiled.pattern, fields };
}

function checkCount(
  criterion: AgentsCriterionSpec,
  context: CriteriaContext,
  violations: Violation[],
): AgentsCriterionSpec {
  if (context.detail === "QUEUE" && (criterion.count === "ON_CALL" || criterion.count === "OFFLINE")) {
    violations.push({
      field: `${context.field}.agents.count`,
      reason: "NEEDS_QUEUE_AND_EXTENSION",
      description: `is ${criterion.count}, which presence detail QUEUE does not show`,
    });
  }
  return criterion;
}
