import type { Access } from "../connections/credentials.ts";
import type { RingCentralQueue } from "../templates/ringcentral.ts";
import { connectionIdentity } from "./identity.ts";

/**
 * Question is what one read answers. Destinations with equal keys share reads, snapshots and back-off, whatever their
 * criteria, filters and policies are.
 */
export interface Question {
  /** Connection identity, account, queue and detail, and nothing else. */
  readonly key: string;
  /** What fails together because of the credential or the server. */
  readonly connectionKey: string;
  /** What shares one usage group's limit. */
  readonly budgetKey: string;
  readonly queue: Omit<RingCentralQueue, "onlyExtensions">;
  readonly access: Access;
  readonly detail: "QUEUE";
}

/** The question that a destination with this template and credential asks; `identityKey` as in connectionIdentity(). */
export function questionOf(queue: RingCentralQueue, access: Access, identityKey: Uint8Array): Question {
  const { origin, accountId, queueId } = queue;
  const connectionKey = connectionIdentity(identityKey, origin, access);
  const detail = "QUEUE";
  return {
    key: `${connectionKey}/${accountId}/${queueId}/${detail}`,
    connectionKey,
    // A static token does not say whose it is, so its connection is all that is known to share a limit. Queue presence
    // is counted in the group that RingCentral calls light.
    budgetKey: `${connectionKey}/light`,
    queue: { origin, accountId, queueId },
    access,
    detail,
  };
}

/** What a failure is remembered under, by its scope: it stops everything that has this key in common. */
export function backOffKeys(question: Question): Readonly<Record<"question" | "connection" | "budget", string>> {
  return {
    question: `question ${question.key}`,
    connection: `connection ${question.connectionKey}`,
    budget: `budget ${question.budgetKey}`,
  };
}
