import type { SpanContext } from "@opentelemetry/api";
import type { Clock } from "../lib/clock.ts";
import { ServiceError } from "../lib/errors.ts";
import type { Trouble } from "../presence/snapshot.ts";
import { OVER_BUDGET } from "../ringcentral/calls/calls.ts";
import { checkAnswered } from "../telemetry/events.ts";
import type { Answer } from "./answer.ts";
import type { History } from "./history.ts";
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
  readonly history: Pick<History, "checked">;
}

/** Answers one Check; a plain value, not a promise, whenever what is known is enough. Rejects with ServiceError. */
export type Check = (query: CheckQuery, caller: Caller) => Answer | Promise<Answer>;

// The caller's deadline less this share of it, within these bounds, is when we answer: the answer has to travel too.
const MARGIN = { share: 0.1, minMs: 5, maxMs: 50 };
// For a read that ends in the same millisecond as its caller.
const SETTLE_MS = 10;
const NOT_IN_TIME = "Nothing young enough was known in time";
const TIMEOUT = "RingCentral did not answer within the destination's timeout";

/** When a Check arrived, leaves, and lets go of the read, Unix milliseconds. */
interface Wait {
  readonly arrival: number;
  readonly answerBy: number;
  readonly endsAt: number;
}

export function createCheck({ clock, board, link, history }: CheckDeps): Check {
  return (query, caller) => {
    const standing = find(query.destinationId);
    const left = caller.timeoutMs();
    if (left !== undefined && left <= 0) {
      throw new ServiceError("DEADLINE_EXCEEDED", "Cannot check in time: the deadline had passed on arrival");
    }
    const arrival = clock.now();
    const answer = fromMemory(standing, query, arrival) ?? inTime(standing, query, { caller, left, arrival });
    return answer instanceof Promise ? answer.then(count) : count(answer);
  };

  function count(answer: Answer): Answer {
    const { destinationId, reason, source, accepted, observedAt } = answer;
    const ageMs = observedAt === undefined ? undefined : clock.now() - observedAt;
    checkAnswered({ destinationId, reason, source, accepted, ageMs });
    history.checked(answer);
    return answer;
  }

  function find(destinationId: string): Standing {
    const standing = board.get(destinationId);
    if (standing) return standing;
    throw new ServiceError("NOT_FOUND", `Cannot check destination "${destinationId}": it does not exist`);
  }

  function fromMemory(standing: Standing, query: CheckQuery, arrival: number): Answer | undefined {
    const { reads } = standing;
    if (!reads || !standing.asking) return standing.current;
    reads.touch();
    return standing.fromMemory(oldest(query.maxAgeMs ?? standing.maxAgeMs, arrival), arrival);
  }

  /** Waits for what presence says, and answers what is known when the time is up. */
  function inTime(
    standing: Standing,
    query: CheckQuery,
    { caller, left, arrival }: { caller: Caller; left: number | undefined; arrival: number },
  ): Answer | Promise<Answer> {
    const endsAt = arrival + standing.timeoutMs;
    const callerLeaves = arrival + Math.min(query.maxWaitMs ?? Number.POSITIVE_INFINITY, withMargin(left));
    const wait: Wait = { arrival, endsAt, answerBy: Math.min(endsAt, callerLeaves) };
    if (wait.answerBy <= arrival) return atOnce(standing, query, arrival);
    if (caller.signal.aborted) throw callerLeft();
    // A read that runs out of time with its caller gets a moment to say so: then the answer is the watched state's.
    const leaveAt = Math.min(endsAt + SETTLE_MS, callerLeaves);
    const late = () => timeIsUp(find(query.destinationId), callerLeaves < endsAt ? "caller" : "destination");
    return bounded(decide(query, wait), { leaveAt, late, signal: caller.signal });
  }

  /** The answer of a caller who does not wait and finds nothing young enough. */
  function atOnce(standing: Standing, query: CheckQuery, now: number): Answer {
    const { newest } = standing.reads!;
    const beingJudged = newest && youngEnough(standing.age(newest).at, query.maxAgeMs ?? standing.maxAgeMs, now);
    const blocked = beingJudged ? undefined : standing.reads!.blocked;
    return blocked ? troubled(standing, blocked) : timeIsUp(standing, "caller");
  }

  /** Reads if need be, and judges; again when the destination asks something else by then. */
  async function decide(query: CheckQuery, wait: Wait): Promise<Answer> {
    const standing = find(query.destinationId);
    const { reads } = standing;
    if (!reads || !standing.asking) return standing.current;
    const maxAge = query.maxAgeMs ?? standing.maxAgeMs;
    const lateEnough = (sentAt: number) => youngEnough(sentAt, maxAge, wait.arrival);
    let { newest } = reads;
    let source: "CACHE" | "LIVE" = "CACHE";
    if (!newest || !lateEnough(standing.age(newest).at)) {
      const outcome = await reads.ask({ ...wait, lateEnough, notBefore: oldest(maxAge, wait.arrival), link: link() });
      if (standing.reads !== reads || !standing.asking) return decide(query, wait);
      if (!outcome.ok) return troubled(standing, outcome.trouble);
      newest = outcome.snapshot;
      source = "LIVE";
    }
    while (standing.judging && (standing.observedAt ?? 0) < standing.age(newest).at) await standing.judging;
    const same = standing.reads === reads && standing.asking;
    return same ? standing.fromSnapshot(source, clock.now()) : decide(query, wait);
  }

  function troubled(standing: Standing, { failure, until }: Trouble): Answer {
    const { reason, message } = failure;
    return standing.undecided({ reason, message, retryAt: until }, clock.now());
  }

  /** What is answered when a caller's time, or the destination's own, ran out. */
  function timeIsUp(standing: Standing, whose: "caller" | "destination"): Answer {
    const { reads } = standing;
    if (!reads || !standing.asking) return standing.current;
    if (reads.waitsUntil > 0) return troubled(standing, { failure: OVER_BUDGET, until: reads.waitsUntil });
    const why =
      whose === "destination" && !standing.judging
        ? { reason: "UPSTREAM_TIMEOUT" as const, message: TIMEOUT }
        : { reason: "NOT_IN_TIME" as const, message: NOT_IN_TIME };
    return standing.undecided({ ...why, retryAt: reads.nextAt }, clock.now());
  }

  /** The answer, or what `late` says at `leaveAt`. A caller who leaves detaches only himself. */
  function bounded(
    answer: Promise<Answer>,
    bounds: { leaveAt: number; late: () => Answer; signal: AbortSignal },
  ): Promise<Answer> {
    const { signal } = bounds;
    return new Promise((resolve, reject) => {
      const release = () => {
        cancelTimer();
        signal.removeEventListener("abort", left);
      };
      const late = () => {
        release();
        resolve(Promise.try(bounds.late));
      };
      const left = () => {
        release();
        reject(callerLeft());
      };
      const cancelTimer = clock.after(bounds.leaveAt - clock.now(), late);
      signal.addEventListener("abort", left, { once: true });
      answer.finally(release).then(resolve, reject);
    });
  }
}

function callerLeft(): ServiceError {
  return new ServiceError("CANCELLED", "Cannot answer the check: the caller left");
}

/** Age is at most `maxAgeMs`; 0 asks for what was sent after `arrival`. */
function youngEnough(sentAt: number, maxAgeMs: number, arrival: number): boolean {
  return maxAgeMs === 0 ? sentAt > arrival : sentAt >= arrival - maxAgeMs;
}

// For a max_age of 0 what is put together must be newer than the call, by as little as the clock can tell.
const NEWER_MS = 0.001;

/** The oldest that anything behind an answer may be, Unix milliseconds. */
function oldest(maxAgeMs: number, arrival: number): number {
  return maxAgeMs === 0 ? arrival + NEWER_MS : arrival - maxAgeMs;
}

/** How long to wait for a caller who has so much time left, in milliseconds. */
export function withMargin(left: number | undefined): number {
  if (left === undefined) return Number.POSITIVE_INFINITY;
  return left - Math.min(Math.max(left * MARGIN.share, MARGIN.minMs), MARGIN.maxMs);
}
