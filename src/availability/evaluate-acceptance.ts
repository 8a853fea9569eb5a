import type { Criteria } from "../acceptance/criteria.ts";
import { type PresenceDocument, parseDocument } from "../acceptance/document.ts";
import type { Reason } from "../lib/reasons.ts";
import { truncation } from "../ringcentral/truncation.ts";
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
    const { document, problem } = whole(body);
    const answer: Answer = document
      ? await judge(criteria, document)
      : { ...NOBODYS, verdict: "UNDECIDED", reason: "UPSTREAM_BAD_RESPONSE" satisfies Reason, message: problem };
    const explanation = await explain(
      { answer, subject: { criteria }, document, exchange: { body }, waitMs: undefined },
      deps,
    );
    return { answer, explanation };
  };

  async function judge(criteria: Criteria, document: PresenceDocument): Promise<Answer> {
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

/** The document in a body, or why a read that was answered so would have failed. */
function whole(body: string): { document: PresenceDocument; problem: "" } | { document: undefined; problem: string } {
  const parsed = parseDocument(body);
  if (!parsed.ok) return { document: undefined, problem: parsed.problem };
  const cut = truncation(parsed.document);
  if (cut) return { document: undefined, problem: `Cannot read the presence answer: ${cut}` };
  return { document: parsed.document, problem: "" };
}
