import type { ApiFailure, CallApi, CallOptions } from "../calls/call.ts";
import { idText } from "./id-text.ts";
import { readPagedList } from "./paged-list.ts";

/** A call queue, for a person to choose. */
export interface CallQueue {
  readonly id: string;
  /** Empty when it has none. */
  readonly extensionNumber: string;
  readonly name: string;
  /** As RingCentral says: Enabled, Disabled, NotActivated or Unassigned; empty when it does not. */
  readonly status: string;
}

/** Lists the call queues of an account in the order of their ids, a medium call for each thousand. */
export async function listCallQueues(
  call: CallApi,
  accountId: string,
  options: CallOptions,
): Promise<{ readonly ok: true; readonly queues: readonly CallQueue[] } | ApiFailure> {
  const list = await readPagedList(
    call,
    {
      path: `/restapi/v1.0/account/${accountId}/call-queues`,
      route: "/restapi/v1.0/account/{account}/call-queues",
      group: "medium",
      action: "list call queues",
      parse({ id, extensionNumber = "", name = "", status = "" }): CallQueue | undefined {
        const queueId = idText(id);
        const texts = { extensionNumber, name, status };
        const odd = Object.values(texts).some((text) => typeof text !== "string");
        return queueId === undefined || odd ? undefined : { id: queueId, ...(texts as Omit<CallQueue, "id">) };
      },
    },
    options,
  );
  if (!list.ok) return list;
  // A list that changed while it was read may hold a queue twice.
  const byId = new Map(list.items.map((queue) => [queue.id, queue]));
  return { ok: true, queues: [...byId.values()].sort(byNumber) };
}

/** Ids are digits of any length: the longer, the larger. */
function byNumber({ id: one }: CallQueue, { id: other }: CallQueue): number {
  if (one.length !== other.length) return one.length - other.length;
  return one < other ? -1 : 1;
}
