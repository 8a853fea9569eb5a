import type { Criteria } from "../acceptance/criteria.ts";
import { parseDocument } from "../acceptance/document.ts";
import type { Reason } from "../lib/reasons.ts";
import type { Answer } from "./answer.ts";
import { type ExplainDeps, type Explanation, explain } from "./explain.ts";
import type { StandingDeps } from "./standing.ts";

/** Applies criteria to a given body; nobody is asked. */
export type EvaluateAcceptance = (
  criteria: Criteria,
  body: string,
) => Promise<{ readonly answer: Answer; readonly explanation: Explanation }>;

/** An answer about no destination: nothing was observed, and no policy applies. */
const NOBODYS = {
  destinationId: "",
  accepted: false,
  measured: undefined,
  agents: undefined,
  availableAgents: undefined,
  observedAt: undefined,
  validUntil: undefined,
  source: "NONE",
  destinationRevision: 0n,
  version: 0n,
  retryAt: undefined,
} as const;

export function createEvaluateAcceptance(deps: ExplainDeps & Pick<StandingDeps, "evaluate">): EvaluateAcceptance {
  return async (criteria, body) => {
    const parsed = parseDocument(body);
    const document = parsed.ok ? parsed.document : undefined;
    const answer: Answer = parsed.ok
      ? await judge(criteria, parsed.document)
      : { ...NOBODYS, verdict: "UNDECIDED", reason: "UPSTREAM_BAD_RESPONSE" satisfies Reason, message: parsed.problem };
    const explanation = await explain(
      { answer, subject: { criteria }, document, exchange: undefined, waitMs: undefined },
      deps,
    );
    return { answer, explanation: { ...explanation, responseBody: explanation.responseBody || body } };
  };

  async function judge(criteria: Criteria, document: Parameters<typeof deps.evaluate>[1]): Promise<Answer> {
    const { verdict, reason, message, measured, agents, availableAgents } = await deps.evaluate(criteria, document);
    return {
      ...NOBODYS,
      verdict,
      reason,
      message,
      measured,
      agents,
      availableAgents,
      accepted: verdict === "ACCEPTED",
    };
  }
}
