import type { Answer } from "./answer.ts";
import type { Caller, Check, CheckDeps, CheckQuery } from "./check.ts";
import { type ExplainDeps, type Explanation, explain } from "./explain.ts";

/** Answers one Check and says how the answer came to be. */
export type ExplainedCheck = (
  query: CheckQuery,
  caller: Caller,
) => Promise<{ readonly answer: Answer; readonly explanation: Explanation }>;

export function createExplainedCheck(
  deps: Pick<CheckDeps, "board"> & ExplainDeps & { readonly check: Check },
): ExplainedCheck {
  return async (query, caller) => {
    const arrivedAt = deps.clock.now();
    const answer = await deps.check(query, caller);
    // What came from memory waited for nothing.
    const waitMs =
      answer.source === "CACHE" || answer.source === "PUSH" ? undefined : deps.clock.now() - arrivedAt || undefined;
    // The destination may have been deleted meanwhile; its answer still stands.
    const standing = deps.board.get(query.destinationId);
    const behind = standing?.evidence(answer) ?? { document: undefined, exchange: undefined };
    const explanation = await explain({ answer, subject: standing?.entry.compiled, waitMs, ...behind }, deps);
    return { answer, explanation };
  };
}
