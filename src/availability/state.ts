import type { Evaluation } from "../acceptance/evaluate.ts";
import type { Override } from "../destinations/override-record.ts";
import type { DestinationEntry } from "../destinations/registry.ts";
import type { Reason, Source, Verdict } from "../lib/reasons.ts";
import type { Age, Trouble } from "../presence/snapshot.ts";
import type { Answer } from "./answer.ts";
import { applyPolicy, type RealVerdict } from "./policy.ts";

/** Everything that a destination's state follows from. Times are Unix milliseconds. */
export interface Facts {
  readonly entry: DestinationEntry;
  /** What a person set, while it is in force. */
  readonly override: Override | undefined;
  /** The newest snapshot as the criteria judge it. */
  readonly judged: (Age & { readonly evaluation: Evaluation }) | undefined;
  /** The newest failure, if nothing was read since. */
  readonly trouble: Trouble | undefined;
  readonly lastReal: RealVerdict | undefined;
  /** There was a real verdict since template or credential changed. */
  readonly proven: boolean;
  /** How old a snapshot may be before the watched state is called too old, in milliseconds. */
  readonly staleAfterMs: number;
  /** When the next scheduled read is due. */
  readonly nextReadAt: number | undefined;
}

/** A state, and until when it holds if nothing happens; undefined = for good. */
export interface State {
  readonly answer: Omit<Answer, "version">;
  readonly until: number | undefined;
}

export const TOO_OLD = "The newest snapshot is too old";

/** The watched state: the first that holds of disabled, overridden, invalid, closed, then what is known of the presence. */
export function watchedState(facts: Facts, now: number): State {
  const { entry, override } = facts;
  if (entry.disabled) return closed(entry, { reason: "DESTINATION_DISABLED", message: "The destination is disabled" });
  if (override) return overridden(entry, override);
  if (!entry.compiled) return undecided(facts, { reason: "DESTINATION_INVALID", message: entry.invalid }, now);
  const hours = entry.compiled.schedule?.openingAt(now);
  // A state holds until a moment, hours end at one.
  const flipsAt = hours?.until === undefined ? Number.POSITIVE_INFINITY : hours.until - 1;
  const state =
    hours && !hours.open
      ? closed(entry, {
          reason: "OUTSIDE_HOURS",
          message: "The destination is outside its hours",
          retryAt: hours.until,
        })
      : presenceState(facts, now);
  const until = Math.min(state.until ?? Number.POSITIVE_INFINITY, flipsAt);
  return { answer: state.answer, until: Number.isFinite(until) ? until : undefined };
}

function presenceState(facts: Facts, now: number): State {
  const { judged, trouble, nextReadAt } = facts;
  // What push keeps current needs no read.
  if (trouble && !judged?.pushed) return undecided(facts, { ...trouble.failure, retryAt: trouble.until }, now);
  if (!judged) {
    return undecided(facts, { reason: "NOT_OBSERVED_YET", message: "Nothing was read yet", retryAt: nextReadAt }, now);
  }
  const staleAt = judged.at + facts.staleAfterMs;
  if (now > staleAt) return undecided(facts, { reason: "NOT_IN_TIME", message: TOO_OLD, retryAt: nextReadAt }, now);
  const { answer, until } = judgedState(facts, judged.pushed ? "PUSH" : "CACHE", now);
  return { answer, until: Math.min(until ?? staleAt, staleAt) };
}

function closed(
  entry: DestinationEntry,
  why: { reason: Reason; message: string; retryAt?: number | undefined },
): State {
  return {
    answer: answerOf(entry, { verdict: "REJECTED", ...why, accepted: false, source: "NONE" }),
    until: undefined,
  };
}

/** Whoever keeps overrides tells when one ends. */
function overridden(entry: DestinationEntry, { accepted, note, expiresAt }: Override): State {
  const message = note === "" ? "A person set this answer" : `A person set this answer: ${note}`;
  const verdict = accepted ? "ACCEPTED" : "REJECTED";
  const given = { verdict, reason: "OVERRIDDEN", message, accepted, source: "NONE", retryAt: expiresAt } as const;
  return { answer: answerOf(entry, given), until: undefined };
}

/** Whether a destination asks RingCentral at all as things are. */
export function asks({ entry, override }: Pick<Facts, "entry" | "override">, now: number): boolean {
  if (entry.disabled || override || !entry.compiled) return false;
  return entry.compiled.schedule?.openingAt(now).open ?? true;
}

/** What the newest judged snapshot says, however old; call it only when there is one. */
export function judgedState(facts: Facts, source: Source, now: number): State {
  const { evaluation, at: observedAt } = facts.judged!;
  const { verdict, reason, message } = evaluation;
  if (verdict === "UNDECIDED") {
    return undecided(
      facts,
      { reason, message, retryAt: facts.nextReadAt, asRead: { evaluation, observedAt, source } },
      now,
    );
  }
  const accepted = verdict === "ACCEPTED";
  const given = { verdict, reason, message, accepted, source, evaluation, observedAt };
  return { answer: answerOf(facts.entry, given), until: undefined };
}

/** An undecided verdict with the failure policy applied. */
export function undecided(
  facts: Pick<Facts, "entry" | "lastReal" | "proven">,
  why: {
    reason: Reason;
    message: string;
    retryAt?: number | undefined;
    asRead?: { evaluation: Evaluation; observedAt: number; source: Source };
  },
  now: number,
): State {
  const { entry, lastReal, proven } = facts;
  const { reason, message, retryAt, asRead } = why;
  const policy = entry.compiled?.failure ?? { onUndecided: "REJECT", lastKnownLimitMs: 0 };
  const { until, ...outcome } = applyPolicy({ reason, policy, lastReal, proven, asRead, now });
  return { answer: answerOf(entry, { verdict: "UNDECIDED", reason, message, retryAt, ...outcome }), until };
}

function answerOf(
  entry: DestinationEntry,
  given: {
    verdict: Verdict;
    reason: Reason;
    message: string;
    accepted: boolean;
    source: Source;
    evaluation?: Evaluation | undefined;
    observedAt?: number | undefined;
    retryAt?: number | undefined;
  },
): Omit<Answer, "version"> {
  const { verdict, reason, message, accepted, source, evaluation, observedAt, retryAt } = given;
  return {
    destinationId: entry.id,
    accepted,
    verdict,
    reason,
    message,
    measured: evaluation?.measured,
    agents: evaluation?.agents,
    availableAgents: evaluation?.availableAgents,
    observedAt,
    validUntil: observedAt === undefined ? undefined : observedAt + (entry.compiled?.maxAgeMs ?? 0),
    source,
    destinationRevision: entry.revision,
    retryAt,
  };
}
