import type { SpanContext } from "@opentelemetry/api";
import type { Clock } from "../lib/clock.ts";
import { ServiceError } from "../lib/errors.ts";
import type { ReadOutcome } from "../presence/snapshot.ts";
import { checkAnswered } from "../telemetry/events.ts";
import type { Answer } from "./answer.ts";
import type { Standing } from "./standing.ts";

export interface CheckQuery {
  readonly destinationId: string;
  /** Greatest age in milliseconds; undefined = the destination's, 0 = a read sent after this Check arrived. */
  readonly maxAgeMs: number | undefined;
  /** Longest wait in milliseconds; undefined = as long as timeout and deadline allow, 0 = answer from memory. */
  readonly maxWaitMs: number | undefined;
}

/** Caller is whoever waits for an answer: a Connect handler context fits. Its signal is looked at only when it must wait. */
export interface Caller {
  /** Milliseconds that are left until the caller's deadline; undefined when it has none. */
  timeoutMs(): number | undefined;
  readonly signal: AbortSignal;
}

export interface CheckDeps {
  readonly clock: Clock;
  readonly board: { get(destinationId: string): Standing | undefined };
  /** The span of the RPC under way, for the read's span to link to. */
  readonly link: () => SpanContext | undefined;
}

/** Answers one Check; a plain value, not a promise, whenever what is known is enough. Rejects with ServiceError. */
export type Check = (query: CheckQuery, caller: Caller) => Answer | Promise<Answer>;

// The caller's deadline less this share of it, within these bounds, is when we answer: the answer has to travel too.
const MARGIN = { share: 0.1, minMs: 5, maxMs: 50 };
const SETTLE_MS = 10;
const NOT_IN_TIME = "Nothing young enough was known in time";

export function createCheck({ clock, board, link }: CheckDeps): Check {
  return (query, caller) => {
    const standing = board.get(query.destinationId);
    if (!standing) {
      throw new ServiceError("NOT_FOUND", `Cannot check destination "${query.destinationId}": it does not exist`);
    }
    const left = caller.timeoutMs();
    if (left !== undefined && left <= 0) {
      throw new ServiceError("DEADLINE_EXCEEDED", "Cannot check in time: the deadline had passed on arrival");
    }
    const now = clock.now();
    const answer = fromMemory(standing, query, now) ?? waitForRead(standing, query, caller, left, now);
    return answer instanceof Promise ? answer.then((late) => count(late, clock)) : count(answer, clock);
  };

  function fromMemory(standing: Standing, query: CheckQuery, now: number): Answer | undefined {
    const { reads, observedAt } = standing;
    if (!reads) return standing.current; // disabled or invalid: nothing is asked
    reads.touch(now);
    const maxAge = query.maxAgeMs ?? standing.maxAgeMs;
    if (observedAt === undefined || !youngEnough(observedAt, maxAge, now)) return undefined;
    return standing.fromSnapshot("CACHE", now);
  }

  function waitForRead(
    standing: Standing,
    query: CheckQuery,
    caller: Caller,
    left: number | undefined,
    now: number,
  ): Answer | Promise<Answer> {
    const reads = standing.reads!;
    const maxAge = query.maxAgeMs ?? standing.maxAgeMs;
    const endsAt = now + standing.timeoutMs;
    const answerBy = Math.min(endsAt, now + (query.maxWaitMs ?? Number.POSITIVE_INFINITY), now + withMargin(left));
    const late = () => {
      const ranOut = answerBy === endsAt;
      const why = ranOut
        ? {
            reason: "UPSTREAM_TIMEOUT" as const,
            message: "RingCentral did not answer within the destination's timeout",
          }
        : { reason: "NOT_IN_TIME" as const, message: NOT_IN_TIME };
      return standing.undecided({ ...why, retryAt: reads.nextAt }, clock.now());
    };
    const judged = reads.newest && youngEnough(reads.newest.observedAt, maxAge, now) ? standing.judging : undefined;
    if (answerBy <= now) {
      const blocked = judged ? undefined : reads.blocked(now);
      return blocked ? troubled(standing, blocked, now) : late();
    }
    const lateEnough = (sentAt: number) => youngEnough(sentAt, maxAge, now);
    const read = judged
      ? judged.then(() => standing.fromSnapshot("CACHE", clock.now()))
      : reads.ask({ lateEnough, answerBy, endsAt, link: link() }).then((outcome) => settled(standing, outcome));
    // A read that runs out of time with its caller gets a moment to say so: then the answer is the watched state's.
    const leaveAt = answerBy === endsAt ? endsAt + SETTLE_MS : answerBy;
    return inTime(read, { leaveAt, late, signal: caller.signal });
  }

  async function settled(standing: Standing, outcome: ReadOutcome): Promise<Answer> {
    if (!outcome.ok) return troubled(standing, outcome.trouble, clock.now());
    await standing.judging;
    // The destination may have been disabled or turned to another queue while this call waited.
    if (standing.observedAt === undefined) return standing.current;
    return standing.fromSnapshot("LIVE", clock.now());
  }

  function troubled(standing: Standing, trouble: Extract<ReadOutcome, { ok: false }>["trouble"], now: number): Answer {
    const { reason, message } = trouble.failure;
    return standing.undecided({ reason, message, retryAt: trouble.until }, now);
  }

  /** The answer, or what `late` says at `leaveAt`. A caller who leaves detaches only himself. */
  function inTime(
    answer: Promise<Answer>,
    bounds: { leaveAt: number; late: () => Answer; signal: AbortSignal },
  ): Promise<Answer> {
    const { signal } = bounds;
    return new Promise((resolve, reject) => {
      const cancelTimer = clock.after(bounds.leaveAt - clock.now(), () => finish(() => resolve(bounds.late())));
      const left = () =>
        finish(() => reject(new ServiceError("CANCELLED", "Cannot answer the check: the caller left")));
      const finish = (how: () => void) => {
        cancelTimer();
        signal.removeEventListener("abort", left);
        how();
      };
      if (signal.aborted) return left();
      signal.addEventListener("abort", left, { once: true });
      answer.then(
        (value) => finish(() => resolve(value)),
        (error) => finish(() => reject(error)),
      );
    });
  }
}

/** Age is at most `maxAgeMs`; 0 asks for what was sent after `arrival`. */
function youngEnough(sentAt: number, maxAgeMs: number, arrival: number): boolean {
  return maxAgeMs === 0 ? sentAt > arrival : sentAt >= arrival - maxAgeMs;
}

function withMargin(left: number | undefined): number {
  if (left === undefined) return Number.POSITIVE_INFINITY;
  return left - Math.min(Math.max(left * MARGIN.share, MARGIN.minMs), MARGIN.maxMs);
}

function count(answer: Answer, clock: Clock): Answer {
  const { destinationId, reason, source, accepted, observedAt } = answer;
  const ageMs = observedAt === undefined ? undefined : clock.now() - observedAt;
  checkAnswered({ destinationId, reason, source, accepted, ageMs });
  return answer;
}
