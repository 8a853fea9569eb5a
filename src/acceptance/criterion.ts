import type { AgentCountName, PresenceDetail } from "./agents.ts";
import type { ConditionName } from "./condition.ts";
import type { Dated } from "./dated.ts";
import type { Field } from "./fields.ts";
import type { JsonPath } from "./json-path.ts";
import type { CompiledPattern } from "./regex.ts";

// What criteria are, as configured and as compiled.

export type RegexType = "COUNT" | "MATCH" | "CAPTURE";
export type Scope = "RECORDS" | "BODY" | "RAW";
export type JsonPathType = "COUNT" | "NUMBER" | "BOOLEAN" | "EXISTS";

export interface RegexCriterionSpec {
  readonly kind: "regex";
  readonly type: RegexType;
  /** RE2 syntax, 1 to 512 UTF-8 bytes. */
  readonly pattern: string;
  readonly scope: Scope;
}

export interface JsonPathCriterionSpec {
  readonly kind: "json_path";
  readonly type: JsonPathType;
  /** RFC 9535, 1 to 512 UTF-8 bytes. */
  readonly path: string;
}

export interface AgentsCriterionSpec {
  readonly kind: "agents";
  readonly count: AgentCountName;
}

/** Acceptance criteria as configured, with every default filled in. */
export interface CriteriaSpec {
  readonly criterion: RegexCriterionSpec | JsonPathCriterionSpec | AgentsCriterionSpec;
  readonly condition: ConditionName;
  readonly value: number;
}

export interface RegexCriterion {
  readonly kind: "regex";
  readonly type: RegexType;
  readonly scope: Scope;
  readonly pattern: CompiledPattern;
  /** Fields whose name stands in the pattern. */
  readonly fields: readonly Field[];
}

export interface JsonPathCriterion {
  readonly kind: "json_path";
  readonly type: JsonPathType;
  readonly path: JsonPath;
  /** Fields whose name stands in the path. */
  readonly fields: readonly Field[];
}

/** Criteria decide whether a presence document is good enough; they hold nothing uncompiled. */
export interface Criteria {
  readonly criterion: RegexCriterion | JsonPathCriterion | AgentsCriterionSpec;
  readonly condition: ConditionName;
  readonly value: number;
  /** The pattern after normalisation, as it runs; absent for criteria without a pattern. */
  readonly patternUsed?: string;
  /** Extension numbers whose records alone are looked at; empty = all. */
  readonly onlyExtensions: ReadonlySet<string>;
  readonly detail: PresenceDetail;
  /** Where the number of available agents stands that is shown beside the verdict. */
  readonly propertyPath?: JsonPath;
  /** What of a document the criterion and the property path look at; the counts of agents, always given, do not matter. */
  readonly dependsOn: readonly Dated[];
}
