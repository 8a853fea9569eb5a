import type { AgentCountName } from "./agents.ts";
import { describeNeed } from "./condition.ts";
import type { Criteria, JsonPathCriterion } from "./criterion.ts";

// Sentences for people, the same for the same numbers: a change of the sentence is a change of the availability.

/** "3 agents are <this>". */
export const WHAT_THEY_ARE: Readonly<Record<AgentCountName, string>> = {
  AVAILABLE: "available",
  TOTAL: "in the queue",
  ACCEPTING: "accepting",
  DO_NOT_DISTURB: "on Do Not Disturb",
  ON_CALL: "on a call",
  OFFLINE: "offline",
  UNKNOWN: "of unknown availability",
  OPTED_OUT: "opted out",
};

/** "2 to 4 matches, needs more than 2" */
export function describeNumber(criteria: Criteria, from: number, to: number): string {
  return `${subject(criteria, from, to)}, ${describeNeed(criteria.condition, criteria.value)}`;
}

function subject({ criterion }: Criteria, from: number, to: number): string {
  const range = from === to ? `${from}` : `${from} to ${to}`;
  const one = from === 1 && to === 1;
  if (criterion.kind === "agents") return `${range} ${one ? "agent" : "agents"} ${WHAT_THEY_ARE[criterion.count]}`;
  if (criterion.kind === "json_path") return whatThePathGives(criterion, from);
  if (criterion.type === "CAPTURE") return `${range} captured`;
  if (criterion.type === "COUNT" && criterion.scope === "RECORDS" && from === to) {
    return one ? "1 record matches" : `${range} records match`;
  }
  return `${range} ${one ? "match" : "matches"}`;
}

/** "the path finds 2 nodes" */
export function whatThePathGives({ type }: JsonPathCriterion, measured: number): string {
  switch (type) {
    case "COUNT":
      return `the path finds ${measured} ${measured === 1 ? "node" : "nodes"}`;
    case "EXISTS":
      return `the path finds ${measured === 0 ? "nothing" : "something"}`;
    case "NUMBER":
      return `the path gives ${measured}`;
    case "BOOLEAN":
      return `the path gives ${measured === 1}`;
  }
}
