import { overBudget } from "../ringcentral/calls/calls.ts";
import type { PresenceReader } from "../ringcentral/presence-reader.ts";
import type { Question } from "../ringcentral/question.ts";
import type { UpstreamCall } from "../upstream/attempt-span.ts";
import { performRead } from "./perform-read.ts";
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
    reader: PresenceReader;
    /** When the budget allows it as things stand, and the present, Unix milliseconds. */
    freeAt: () => number;
    now: () => number;
    onAttempt: (call: UpstreamCall) => void;
  },
): Promise<ReadOutcome> {
  const freeAt = deps.freeAt();
  // A person does not wait for the window to move on.
  if (freeAt > deps.now()) {
    const { failure, until } = overBudget(freeAt);
    return { ok: false, trouble: { failure, until } };
  }
  read.begin();
  const outcome = await performRead(question, read, { ...deps, onTurn: () => {}, backsOff: false });
  read.finish(outcome);
  return outcome;
}
