import type { Evaluation } from "../acceptance/evaluate.ts";
import type { FailurePolicy } from "../destinations/compile.ts";
import type { Reason, Source } from "../lib/reasons.ts";

/** A verdict that the criteria really gave: accepted or rejected. */
export interface RealVerdict {
  readonly evaluation: Evaluation;
  /** How old what it was taken from is, Unix milliseconds. */
  readonly at: number;
}

/** What is answered for an undecided verdict: the right half of the contract's policy table. */
export interface PolicyOutcome {
  readonly accepted: boolean;
  readonly source: Source;
  readonly evaluation: Evaluation | undefined;
  readonly observedAt: number | undefined;
  /** When this outcome stops being true by the passing of time alone. */
  readonly until: number | undefined;
}

const NOTHING: PolicyOutcome = {
  accepted: false,
  source: "NONE",
  evaluation: undefined,
  observedAt: undefined,
  until: undefined,
};

// RingCentral says for certain that there is no such queue, or that we may not know: an old verdict is no comfort.
const CERTAIN: ReadonlySet<Reason> = new Set(["UPSTREAM_NOT_FOUND", "UPSTREAM_PERMISSION_DENIED"]);
// Nothing is known at all, so no policy applies.
const WITHOUT_POLICY: ReadonlySet<Reason> = new Set(["NOT_OBSERVED_YET", "DESTINATION_INVALID"]);

/** Applies the failure policy to an undecided verdict. `asRead` is the snapshot's own evaluation, where one was read. */
export function applyPolicy(input: {
  reason: Reason;
  policy: FailurePolicy;
  /** The newest real verdict of the same question, taken with the present criteria. */
  lastReal: RealVerdict | undefined;
  /** There was a real verdict since template or credential changed. */
  proven: boolean;
  asRead: { evaluation: Evaluation; observedAt: number; source: Source } | undefined;
  now: number;
}): PolicyOutcome {
  const { reason, policy, lastReal, now } = input;
  if (WITHOUT_POLICY.has(reason)) return NOTHING;
  if (policy.onUndecided === "LAST_KNOWN" && lastReal && !CERTAIN.has(reason)) {
    const { evaluation, at: observedAt } = lastReal;
    const until = observedAt + policy.lastKnownLimitMs;
    if (now <= until) {
      const accepted = evaluation.verdict === "ACCEPTED";
      return { accepted, source: "LAST_KNOWN", evaluation, observedAt, until };
    }
  }
  if (input.asRead) return { ...input.asRead, accepted: false, until: undefined };
  const accepted = policy.onUndecided === "ACCEPT" && input.proven && !CERTAIN.has(reason);
  return { ...NOTHING, accepted };
}
