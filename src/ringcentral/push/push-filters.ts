import type { PushFilter } from "./push-event.ts";

/** The event filter as RingCentral wants it. https://developers.ringcentral.com/guide/notifications/event-filters */
export function filterPath(filter: PushFilter): string {
  const account = `/restapi/v1.0/account/${filter.accountId}`;
  switch (filter.kind) {
    case "queue":
      return `${account}/call-queues/${filter.queueId}/presence`;
    case "extension":
      return `${account}/extension/${filter.extensionId}/presence`;
    case "account":
      return `${account}/presence`;
  }
}

/**
 * What a filter is known by, for example "queue:123". The account is left out: RingCentral answers with the real id where
 * `~` was asked for, and a connection is one user's.
 */
export function filterKey(filter: PushFilter): string {
  switch (filter.kind) {
    case "queue":
      return `queue:${filter.queueId}`;
    case "extension":
      return `extension:${filter.extensionId}`;
    case "account":
      return "account";
  }
}

/** The filter that is known by this key. */
export function filterOfKey(key: string, accountId: string): PushFilter {
  const [kind, id = ""] = key.split(":");
  if (kind === "queue") return { kind, accountId, queueId: id };
  return kind === "extension" ? { kind, accountId, extensionId: id } : { kind: "account", accountId };
}

const QUEUE = /^\/restapi\/v1\.0\/account\/[^/?]+\/call-queues\/(\d+)\/presence(\?|$)/;
const EXTENSION = /^\/restapi\/v1\.0\/account\/[^/?]+\/extension\/(\d+)\/presence(\?|$)/;
const ACCOUNT = /^\/restapi\/v1\.0\/account\/[^/?]+\/presence(\?|$)/;

/** The key of the filter with this path, or of what an event with this path is about; undefined for any other. */
export function keyOfPath(path: string): string | undefined {
  const queue = QUEUE.exec(path);
  if (queue) return `queue:${queue[1]}`;
  const extension = EXTENSION.exec(path);
  if (extension) return `extension:${extension[1]}`;
  return ACCOUNT.test(path) ? "account" : undefined;
}
