import type { Violation, Warning } from "../lib/errors.ts";
import type { PresenceDetail } from "./agents.ts";
import type {
  AgentsCriterionSpec,
  Criteria,
  CriteriaSpec,
  JsonPathCriterion,
  JsonPathCriterionSpec,
  RegexCriterion,
  RegexCriterionSpec,
} from "./criterion.ts";
import { partsLookedAt } from "./dated.ts";
import { fieldsNamedIn, isExtensionField } from "./fields.ts";
import { compileJsonPath } from "./json-path.ts";
import { compilePropertyPath } from "./property-path.ts";
import { compileRegex } from "./regex.ts";
import { warningsAbout } from "./warnings.ts";

// Rooms above know criteria by this file.
export type {
  Criteria,
  CriteriaSpec,
  JsonPathType,
  RegexCriterionSpec,
  RegexType,
  Scope,
} from "./criterion.ts";

/** The criteria of a RingCentral destination that sets none: an agent accepts this queue's calls. */
export const defaultCriteria: CriteriaSpec = {
  criterion: { kind: "regex", type: "COUNT", pattern: '"acceptCurrentQueueCalls": true', scope: "RECORDS" },
  condition: "GREATER_THAN",
  value: 0,
};

/** CriteriaContext is what else a destination says that bears on its criteria. */
export interface CriteriaContext {
  /** Path of the criteria, which begins the path of each violation and warning, for example "destination.acceptance". */
  readonly field: string;
  readonly onlyExtensions: readonly string[];
  readonly detail: PresenceDetail;
  /** The property path, RFC 9535, and its own path, for example "destination.availability.property_path". */
  readonly propertyPath?: { readonly path: string; readonly field: string };
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
  const criterion = compileCriterion(spec.criterion, context, violations);
  const property = context.propertyPath && compilePropertyPath(context.propertyPath.path, context.propertyPath.field);
  if (property !== undefined && "violations" in property) violations.push(...property.violations);
  if (criterion === undefined || violations.length > 0) return { violations };
  const criteria: Criteria = {
    criterion,
    condition: spec.condition,
    value: spec.value,
    ...(criterion.kind === "regex" ? { patternUsed: criterion.pattern.used } : {}),
    onlyExtensions: new Set(context.onlyExtensions),
    detail: context.detail,
    ...(property !== undefined && "path" in property ? { propertyPath: property.path } : {}),
    dependsOn: partsLookedAt(criterion, context.propertyPath?.path, context.detail),
  };
  return { criteria, warnings: warningsAbout(criteria, context.field) };
}

/** Whether criteria, or a property path, look at what the queue's answer lacks and the extension's presence has. */
export function needsExtension({ criterion }: CriteriaSpec, propertyPath?: string): boolean {
  const named = (text: string) => fieldsNamedIn(text).some(isExtensionField);
  if (propertyPath !== undefined && named(propertyPath)) return true;
  switch (criterion.kind) {
    case "regex":
      // RAW never shows what is joined, so it is refused rather than joined for.
      return criterion.scope !== "RAW" && named(criterion.pattern);
    case "json_path":
      return named(criterion.path);
    case "agents":
      return criterion.count === "ON_CALL" || criterion.count === "OFFLINE";
  }
}

function compileCriterion(
  criterion: CriteriaSpec["criterion"],
  context: CriteriaContext,
  violations: Violation[],
): Criteria["criterion"] | undefined {
  switch (criterion.kind) {
    case "regex":
      return compilePattern(criterion, context, violations);
    case "json_path":
      return compilePath(criterion, context, violations);
    case "agents":
      return checkCount(criterion, context, violations);
  }
}

function compilePath(
  { type, path: written }: JsonPathCriterionSpec,
  context: CriteriaContext,
  violations: Violation[],
): JsonPathCriterion | undefined {
  const compiled = compileJsonPath(written);
  if (compiled.ok) return { kind: "json_path", type, path: compiled.path, fields: fieldsNamedIn(written) };
  const { reason, description } = compiled;
  violations.push({ field: `${context.field}.json_path.path`, reason, description });
  return undefined;
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
  const joined = fields.filter(isExtensionField);
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
