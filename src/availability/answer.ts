import type { AgentCounts } from "../acceptance/agents.ts";
import type { Reason, Source, Verdict } from "../lib/reasons.ts";

/**
 * Answer is one availability: what Check returns and Watch pushes. Frozen by convention: it is shared by every caller it
 * serves and encoded once, by identity. Times are Unix milliseconds.
 */
export interface Answer {
  readonly destinationId: string;
  readonly accepted: boolean;
  readonly verdict: Verdict;
  readonly reason: Reason;
  /** Stable for a state: it names no times and no ages, or every read would count as a change. */
  readonly message: string;
  readonly measured: number | undefined;
  readonly agents: AgentCounts | undefined;
  /** What the destination's property path gives. */
  readonly availableAgents: number | undefined;
  readonly observedAt: number | undefined;
  readonly validUntil: number | undefined;
  readonly source: Source;
  readonly destinationRevision: bigint;
  /** 0 = for one call alone, no watched state. */
  readonly version: bigint;
  readonly retryAt: number | undefined;
}

/** The same, observed at another time: push says that it still is so. Call it only for what was observed. */
export function redated(answer: Answer, observedAt: number): Answer {
  return { ...answer, observedAt, validUntil: observedAt + (answer.validUntil! - answer.observedAt!) };
}

/** Whether nothing changed but observed_at, valid_until, retry_at (and the version, which follows the rest). */
export function sameState(a: Omit<Answer, "version">, b: Omit<Answer, "version">): boolean {
  return (
    a.accepted === b.accepted &&
    a.verdict === b.verdict &&
    a.reason === b.reason &&
    a.message === b.message &&
    a.measured === b.measured &&
    a.availableAgents === b.availableAgents &&
    a.source === b.source &&
    a.destinationRevision === b.destinationRevision &&
    sameCounts(a.agents, b.agents)
  );
}

const COUNTS = [
  "total",
  "available",
  "accepting",
  "doNotDisturb",
  "onCall",
  "offline",
  "unknown",
  "optedOut",
] as const satisfies readonly (keyof AgentCounts)[];

function sameCounts(a: AgentCounts | undefined, b: AgentCounts | undefined): boolean {
  if (a === b) return true;
  if (!a || !b) return false;
  return COUNTS.every((count) => a[count] === b[count]);
}

/** The version that follows `previous`: it rises with every change, over restarts too as long as the clock does. */
export function nextVersion(previous: bigint, now: number): bigint {
  const clock = BigInt(Math.floor(now * 1000));
  return clock > previous ? clock : previous + 1n;
}
