import type { PresenceDetail } from "../acceptance/agents.ts";
import type { RingCentralQueue } from "../templates/ringcentral.ts";
import type { ConnectionSource } from "./connection-source.ts";

/**
 * Question is what one read answers. Destinations with equal keys share reads, snapshots and back-off, whatever their
 * criteria, filters and policies are.
 */
export interface Question {
  /** Connection, account, queue and detail, and nothing else. */
  readonly key: string;
  readonly source: ConnectionSource;
  readonly queue: Omit<RingCentralQueue, "onlyExtensions">;
  readonly detail: PresenceDetail;
}

/** The question about a queue, asked over a connection. */
export function questionOf(queue: RingCentralQueue, detail: PresenceDetail, source: ConnectionSource): Question {
  const { origin, accountId, queueId } = queue;
  return {
    key: `${source.key}/${accountId}/${queueId}/${detail}`,
    source,
    queue: { origin, accountId, queueId },
    detail,
  };
}

/** What the trouble with a question alone is remembered under. */
export function questionBackOffKey(question: Question): string {
  return `question ${question.key}`;
}
