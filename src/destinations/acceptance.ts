import {
  type AcceptanceCriteria,
  AgentCount,
  Condition,
  RegexType,
  Scope,
} from "../../gen/availability/v1/acceptance_pb.ts";
import type { CriteriaSpec } from "../acceptance/criteria.ts";
import { defaultCriteria } from "../acceptance/criteria.ts";
import type { Problems } from "./problems.ts";

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

/** The criteria as the acceptance room knows them, every default filled in; undefined with violations in `problems`. */
export function criteriaSpec(
  acceptance: AcceptanceCriteria | undefined,
  field: string,
  problems: Problems,
): CriteriaSpec | undefined {
  if (!acceptance) return defaultCriteria;
  const before = problems.violations.length;
  const condition = named(CONDITIONS, acceptance.condition, `${field}.condition`, problems);
  const criterion = criterionSpec(acceptance, field, problems);
  if (!criterion || !condition || problems.violations.length > before) return undefined;
  return { criterion, condition, value: acceptance.value ?? 0 };
}

function criterionSpec(
  acceptance: AcceptanceCriteria,
  field: string,
  problems: Problems,
): CriteriaSpec["criterion"] | undefined {
  const { criterion } = acceptance;
  switch (criterion.case) {
    case "regex": {
      const type = named(REGEX_TYPES, criterion.value.type, `${field}.regex.type`, problems);
      const unset = type === "CAPTURE" ? "BODY" : "RECORDS";
      const scopes = { [Scope.UNSPECIFIED]: unset, ...SCOPES } as const;
      const scope = named(scopes, criterion.value.scope, `${field}.regex.scope`, problems);
      return type && scope ? { kind: "regex", type, scope, pattern: criterion.value.pattern } : undefined;
    }
    case "agents": {
      const count = named(AGENT_COUNTS, criterion.value.count, `${field}.agents.count`, problems);
      return count && { kind: "agents", count };
    }
    case "jsonPath":
      problems.unsupported(`${field}.json_path`, "the criterion json_path");
      return undefined;
    case undefined:
      problems.add(field, "REQUIRED", "has no criterion, expected one of regex, json_path, agents");
      return undefined;
  }
}

/** The name of an enum value; a number that this release does not know is a violation. */
function named<Name extends string>(
  names: Readonly<Record<number, Name>>,
  value: number,
  field: string,
  problems: Problems,
): Name | undefined {
  const name = names[value];
  if (name === undefined) {
    const known = [...new Set(Object.values(names))].join(", ");
    problems.add(field, "UNKNOWN_VALUE", `is ${value}, expected one of ${known}`);
  }
  return name;
}
