import { type Clock, sleep } from "../lib/clock.ts";
import type { Budget } from "../ringcentral/budget.ts";
import type { PresenceReader, ReadResult } from "../ringcentral/presence-reader.ts";
import type { Question } from "../ringcentral/question.ts";
import type { UpstreamFailure } from "../upstream/failure.ts";
import type { Read } from "./read.ts";

/** Our own budget allowed no read: nothing was sent, so nothing is to be backed off from. */
export const OVER_BUDGET: UpstreamFailure = {
  reason: "UPSTREAM_RATE_LIMITED",
  message: "The rate limit of this connection allows no read in time",
  scope: "budget",
};

/** Waits for the budget and reads; `onStart` is told when the read begins, Unix milliseconds. It never rejects. */
export async function performRead(
  question: Question,
  read: Read,
  deps: { clock: Clock; budget: Budget; reader: PresenceReader; onStart: (now: number) => void },
): Promise<ReadResult> {
  const { clock, budget, reader, onStart } = deps;
  for (let now = clock.now(); ; now = clock.now()) {
    if (read.timeUp.aborted) return { ok: false, failure: OVER_BUDGET };
    const freeAt = budget.freeAt(now, "check");
    if (freeAt <= now) break;
    read.waitsUntil = freeAt;
    await sleep(clock, freeAt - now, read.timeUp);
  }
  read.waitsUntil = 0;
  const startedAt = clock.now();
  onStart(startedAt);
  budget.spend(startedAt);
  let attempts = 0;
  return await reader.read(question, {
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
  });
}
