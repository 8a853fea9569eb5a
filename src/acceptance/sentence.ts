import { describeRequirement } from "./condition.ts";
import type { Criteria } from "./criterion.ts";
import type { Evaluation } from "./evaluate.ts";
import { WHAT_THEY_ARE, whatThePathGives } from "./message.ts";
import type { Tally } from "./record-results.ts";

/** "3 of 5 agents match; more than 2 are needed: accepted" */
export function sentenceFor(criteria: Criteria, evaluation: Evaluation, tally: Tally): string {
  const { measured, message } = evaluation;
  const verdict = evaluation.verdict.toLowerCase();
  if (measured === undefined) return `Nothing was measured, because ${message}: ${verdict}`;
  if (tally.matched === undefined) return `${asSentence(message)}: ${verdict}`;
  const leftOut = tally.leftOut === 0 ? "" : ` (${tally.leftOut} more left out by only_extensions)`;
  const need = describeRequirement(criteria.condition, criteria.value);
  return asSentence(
    `${whatWasFound(criteria, measured, { ...tally, matched: tally.matched })}${leftOut}; ${need}: ${verdict}`,
  );
}

function asSentence(text: string): string {
  return text[0]!.toUpperCase() + text.slice(1);
}

function whatWasFound({ criterion }: Criteria, measured: number, tally: Required<Tally>): string {
  switch (criterion.kind) {
    case "agents":
      return ofAgents(tally, `is ${WHAT_THEY_ARE[criterion.count]}`, `are ${WHAT_THEY_ARE[criterion.count]}`);
    case "json_path": {
      const truth = criterion.type === "EXISTS" || criterion.type === "BOOLEAN";
      return `${whatThePathGives(criterion, measured)}${truth ? `, which measures ${measured}` : ""}`;
    }
    case "regex": {
      const measures = criterion.type === "MATCH" ? `, which measures ${measured}` : "";
      if (criterion.scope === "RECORDS") return ofAgents(tally, `matches${measures}`, `match${measures}`);
      const where = criterion.scope === "RAW" ? "the answer as received" : "the answer";
      if (criterion.type === "CAPTURE") return `the pattern captures ${measured} in ${where}`;
      if (criterion.type === "MATCH")
        return `the pattern ${measured === 0 ? "does not match" : "matches"} in ${where}${measures}`;
      return `the pattern matches ${measured === 1 ? "once" : `${measured} times`} in ${where}`;
    }
  }
}

function ofAgents({ lookedAt, matched, open, lacking }: Required<Tally>, does: string, doThey: string): string {
  if (lookedAt === 0) return "there are no agents to look at";
  const agents = `${matched} of ${lookedAt} ${lookedAt === 1 ? "agent" : "agents"} ${matched === 1 || lookedAt === 1 ? does : doThey}`;
  if (open === 0) return agents;
  const because = `${lacking.join(", ")} ${lacking.length === 1 ? "is" : "are"} not known`;
  return `${agents}, and ${open} cannot be judged because ${because}`;
}
