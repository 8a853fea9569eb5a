import type { QueueNeed } from "../connection.ts";
import type { PushFilter } from "./push-event.ts";
import { filterKey } from "./push-filters.ts";

/** What bears on how needs are served. */
export interface PushFacts {
  /** The permissions of the access token; undefined when they are not known. */
  readonly scope: readonly string[] | undefined;
  /** Keys of filters that RingCentral refused. */
  readonly refused: ReadonlySet<string>;
  /** The extension ids of a queue's members, as far as known. */
  readonly membersOf: (need: QueueNeed) => readonly string[];
}

/** The permission for the events of a whole account, which the presence of single extensions does without. */
export const ACCOUNT_EVENTS_PERMISSION = "ReadAccounts";

/** Whether these permissions allow push; it is tried where they are not known. */
export function allowsPush(scope: readonly string[] | undefined): boolean {
  return scope?.some((name) => /^WebSockets?/.test(name)) !== false;
}

/**
 * The filters that serve what is needed: one for each queue, and where agents' own presence matters one for the account,
 * or where that is not allowed one for each member. Those that were refused are left out: they are polled for.
 */
export function filtersFor(needs: readonly QueueNeed[], { scope, refused, membersOf }: PushFacts): PushFilter[] {
  if (!allowsPush(scope)) return [];
  const filters = new Map<string, PushFilter>();
  const add = (filter: PushFilter) => {
    const key = filterKey(filter);
    if (!refused.has(key)) filters.set(key, filter);
  };
  const ofAccount = scope?.includes(ACCOUNT_EVENTS_PERMISSION) !== false && !refused.has("account");
  for (const need of needs) {
    const { accountId, queueId, extensions } = need;
    add({ kind: "queue", accountId, queueId });
    if (!extensions) continue;
    if (ofAccount) add({ kind: "account", accountId });
    else for (const extensionId of membersOf(need)) add({ kind: "extension", accountId, extensionId });
  }
  return [...filters.values()];
}
