import type { PresenceReader } from "../ringcentral/presence-reader.ts";
import type { Question } from "../ringcentral/question.ts";
import type { UpstreamCall } from "../upstream/attempt-span.ts";
import type { Read } from "./read.ts";
import type { ReadOutcome } from "./snapshot.ts";

/** Carries a read out, waiting for its turn first. It never rejects. */
export async function performRead(
  question: Question,
  read: Read,
  deps: {
    reader: PresenceReader;
    /** It has its turn. */
    onTurn: () => void;
    onAttempt: (call: UpstreamCall) => void;
    /** Whether a failure may keep everybody from the connection for a while; true unless given. */
    backsOff?: boolean;
  },
): Promise<ReadOutcome> {
  const { reader, ...rest } = deps;
  const result = await reader.read(question, {
    ...rest,
    timeUp: read.timeUp,
    deadline: () => read.endsAt,
    turn: read.turn,
    notBefore: () => read.choose(),
    links: read.links,
    onLink: (listener) => {
      read.onLink = listener;
    },
    onSent: (sentAt) => {
      read.sentAt ??= sentAt;
    },
  });
  if (!result.ok) {
    const { failure, until, exchange } = result;
    return { ok: false, trouble: { failure, until, exchange } };
  }
  const { document, observed, exchange } = result;
  return { ok: true, snapshot: { document, observed, exchange } };
}
