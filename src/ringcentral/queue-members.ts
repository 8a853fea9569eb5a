import type { ApiFailure, CallApi, CallOptions } from "./call.ts";
import { idText } from "./id-text.ts";
import { readPagedList } from "./paged-list.ts";

/** Reads the extension ids of a queue's members, without their presence; a light call for each thousand. */
export async function readQueueMembers(
  call: CallApi,
  { accountId, queueId }: { readonly accountId: string; readonly queueId: string },
  options: CallOptions,
): Promise<{ readonly ok: true; readonly extensionIds: readonly string[] } | ApiFailure> {
  const list = await readPagedList(
    call,
    {
      path: `/restapi/v1.0/account/${accountId}/call-queues/${queueId}/members`,
      route: "/restapi/v1.0/account/{account}/call-queues/{queue}/members",
      group: "light",
      action: "read a queue's members",
      parse: ({ id }) => idText(id),
    },
    options,
  );
  return list.ok ? { ok: true, extensionIds: [...new Set(list.items)] } : list;
}
