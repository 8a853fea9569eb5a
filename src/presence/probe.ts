import type { Clock } from "../lib/clock.ts";
import type { Budget } from "../ringcentral/budget.ts";
import type { PresenceReader } from "../ringcentral/presence-reader.ts";
import { backOffKeys, type Question } from "../ringcentral/question.ts";
import { backOffOpened } from "../telemetry/events.ts";
import type { UpstreamCall } from "../upstream/attempt-span.ts";
import type { BackOffs } from "../upstream/backoff.ts";
import { overBudget } from "./perform-read.ts";
import type { Read } from "./read.ts";
import type { ReadOutcome } from "./snapshot.ts";

/**
 * Asks a question once, for a person who tests a destination: obeys the budget and its penalty, ignores snapshots and
 * back-offs, and leaves none behind but a penalty. It never rejects.
 */
export async function probe(
  question: Question,
  read: Read,
  deps: {
    clock: Clock;
    budget: Budget;
    reader: PresenceReader;
    backOffs: Pick<BackOffs, "open" | "blocked">;
    onAttempt: (call: UpstreamCall) => void;
  },
): Promise<ReadOutcome> {
  const { clock, budget, reader, backOffs, onAttempt } = deps;
  const { budget: budgetKey } = backOffKeys(question);
  const beganAt = clock.now();
  const penalty = backOffs.blocked([budgetKey], beganAt);
  if (penalty) return { ok: false, trouble: penalty };
  const freeAt = budget.freeAt(beganAt, "check");
  // A person does not wait for the window to move on.
  if (freeAt > beganAt) return overBudget(freeAt);
  read.begin();
  budget.spend(beganAt);
  let attempts = 0;
  const result = await reader.read(question, {
    timeUp: read.timeUp,
    deadline: () => read.endsAt,
    links: read.links,
    onSent: (sentAt) => {
      if (++attempts > 1) budget.spend(sentAt);
    },
    onAttempt,
  });
  const now = clock.now();
  // Where RingCentral says how long to wait, that holds, not what its counters would lead us to think.
  if (result.limit && (result.ok || result.failure.retryAfterMs === undefined)) budget.observe(result.limit, now);
  const exchange = result.exchange && { ...result.exchange, budgetMs: 0 };
  const outcome: ReadOutcome = result.ok
    ? { ok: true, snapshot: { document: result.document, observedAt: result.sentAt, exchange } }
    : { ok: false, trouble: { failure: result.failure, until: now, exchange } };
  read.finish(outcome);
  if (result.ok || result.failure.scope !== "budget") return outcome;
  // RingCentral counts every call made inside a penalty, so everybody has to know of it.
  const until = backOffs.open(budgetKey, result.failure, now);
  const { scope, reason, message } = result.failure;
  backOffOpened({ scope, reason, message, key: budgetKey, untilMs: until });
  return { ok: false, trouble: { failure: result.failure, until, exchange } };
}
