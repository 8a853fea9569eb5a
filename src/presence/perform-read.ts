import { type Clock, sleep } from "../lib/clock.ts";
import type { Budget } from "../ringcentral/budget.ts";
import type { PresenceReader, ReadResult } from "../ringcentral/presence-reader.ts";
import type { Question } from "../ringcentral/question.ts";
import type { UpstreamCall } from "../upstream/attempt-span.ts";
import type { UpstreamFailure } from "../upstream/failure.ts";
import type { Read } from "./read.ts";
import type { Trouble } from "./snapshot.ts";

/** Our own budget allowed no read: nothing was sent, so nothing is to be backed off from. */
export const OVER_BUDGET: UpstreamFailure = {
  reason: "UPSTREAM_RATE_LIMITED",
  message: "The rate limit of this connection allows no read in time",
  scope: "budget",
};

export function overBudget(until: number): { readonly ok: false; readonly trouble: Trouble } {
  return { ok: false, trouble: { failure: OVER_BUDGET, until } };
}

/**
 * Waits for the budget and reads; `onStart` is told when the read begins, Unix milliseconds. A `trouble` is why nothing
 * was sent. It never rejects.
 */
export async function performRead(
  question: Question,
  read: Read,
  deps: {
    clock: Clock;
    budget: Budget;
    reader: PresenceReader;
    /** What keeps the question from being asked: a back-off may have begun while the read waited. */
    blocked: (now: number) => Trouble | undefined;
    onStart: (now: number) => void;
    onAttempt: (call: UpstreamCall) => void;
  },
): Promise<(ReadResult & { readonly budgetMs: number }) | { readonly ok: false; readonly trouble: Trouble }> {
  const { clock, budget, reader, blocked, onStart, onAttempt } = deps;
  const beganAt = clock.now();
  for (let now = clock.now(); ; now = clock.now()) {
    const trouble = blocked(now);
    if (trouble) return { ok: false, trouble };
    const freeAt = budget.freeAt(now, "check");
    if (read.timeUp.aborted || freeAt >= read.endsAt) return overBudget(freeAt);
    if (freeAt <= now) break;
    read.waitsUntil = freeAt;
    await sleep(clock, freeAt - now, read.timeUp);
  }
  read.waitsUntil = 0;
  const startedAt = clock.now();
  onStart(startedAt);
  budget.spend(startedAt);
  let attempts = 0;
  const result = await reader.read(question, {
    timeUp: read.timeUp,
    deadline: () => read.endsAt,
    links: read.links,
    onLink: (listener) => {
      read.onLink = listener;
    },
    onSent: (sentAt) => {
      // The first attempt was spent when it was decided on; RingCentral counts every further one as well.
      if (++attempts > 1) budget.spend(sentAt);
      read.sentAt = sentAt;
    },
    onAttempt,
  });
  return { ...result, budgetMs: startedAt - beganAt };
}
