import {
  type AcceptanceCriteria,
  AgentCount,
  Condition,
  JsonPathType,
  RegexType,
  Scope,
} from "../../gen/availability/v1/acceptance_pb.ts";
import type { CriteriaSpec } from "../acceptance/criteria.ts";
import { defaultCriteria } from "../acceptance/criteria.ts";
import type { Problems } from "../lib/problems.ts";

const CONDITIONS = {
  [Condition.UNSPECIFIED]: "GREATER_THAN",
  [Condition.GREATER_THAN]: "GREATER_THAN",
  [Condition.GREATER_THAN_OR_EQUAL]: "GREATER_THAN_OR_EQUAL",
  [Condition.LESS_THAN]: "LESS_THAN",
  [Condition.LESS_THAN_OR_EQUAL]: "LESS_THAN_OR_EQUAL",
  [Condition.EQUAL]: "EQUAL",
  [Condition.NOT_EQUAL]: "NOT_EQUAL",
} as const;

const REGEX_TYPES = {
  [RegexType.UNSPECIFIED]: "COUNT",
  [RegexType.COUNT]: "COUNT",
  [RegexType.MATCH]: "MATCH",
  [RegexType.CAPTURE]: "CAPTURE",
} as const;

const SCOPES = { [Scope.RECORDS]: "RECORDS", [Scope.BODY]: "BODY", [Scope.RAW]: "RAW" } as const;

const JSON_PATH_TYPES = {
  [JsonPathType.UNSPECIFIED]: "COUNT",
  [JsonPathType.COUNT]: "COUNT",
  [JsonPathType.NUMBER]: "NUMBER",
  [JsonPathType.BOOLEAN]: "BOOLEAN",
  [JsonPathType.EXISTS]: "EXISTS",
} as const;

const AGENT_COUNTS = {
  [AgentCount.UNSPECIFIED]: "AVAILABLE",
  [AgentCount.AVAILABLE]: "AVAILABLE",
  [AgentCount.TOTAL]: "TOTAL",
  [AgentCount.ACCEPTING]: "ACCEPTING",
  [AgentCount.DO_NOT_DISTURB]: "DO_NOT_DISTURB",
  [AgentCount.ON_CALL]: "ON_CALL",
  [AgentCount.OFFLINE]: "OFFLINE",
  [AgentCount.UNKNOWN]: "UNKNOWN",
  [AgentCount.OPTED_OUT]: "OPTED_OUT",
} as const;

/**
 * The criteria as the acceptance room knows them, every default filled in. What cannot be taken is a violation in
 * `problems`; a default stands in for it, so that the rest is looked at too.
 */
export function criteriaSpec(
  acceptance: AcceptanceCriteria | undefined,
  field: string,
  problems: Problems,
): CriteriaSpec {
  if (!acceptance) return defaultCriteria;
  return {
    criterion: criterionSpec(acceptance, field, problems),
    condition: problems.name(`${field}.condition`, CONDITIONS, acceptance.condition),
    value: acceptance.value ?? 0,
  };
}

function criterionSpec(
  { criterion }: AcceptanceCriteria,
  field: string,
  problems: Problems,
): CriteriaSpec["criterion"] {
  switch (criterion.case) {
    case "regex": {
      const type = problems.name(`${field}.regex.type`, REGEX_TYPES, criterion.value.type);
      const scopes = { [Scope.UNSPECIFIED]: type === "CAPTURE" ? "BODY" : "RECORDS", ...SCOPES } as const;
      const scope = problems.name(`${field}.regex.scope`, scopes, criterion.value.scope);
      return { kind: "regex", type, scope, pattern: criterion.value.pattern };
    }
    case "agents": {
      return { kind: "agents", count: problems.name(`${field}.agents.count`, AGENT_COUNTS, criterion.value.count) };
    }
    case "jsonPath": {
      const type = problems.name(`${field}.json_path.type`, JSON_PATH_TYPES, criterion.value.type);
      return { kind: "json_path", type, path: criterion.value.path };
    }
    case undefined:
      problems.add(field, "REQUIRED", "has no criterion, expected one of regex, json_path, agents");
      return defaultCriteria.criterion;
  }
}
