import type { ApiFailure, CallApi, CallOptions } from "../calls/call.ts";
import { extensionIdIn, presenceIn } from "../kept/presence-record.ts";
import { type PagedList, readPagedList } from "./paged-list.ts";
import type { ExtensionRead } from "./tables.ts";

/** Reads the presence of every extension of an account, a heavy call for each thousand. */
export function readAccountPresence(
  call: CallApi,
  which: {
    readonly accountId: string;
    readonly onPage?: (rows: readonly ExtensionRead[], sentAt: number) => void;
  },
  options: CallOptions,
): Promise<PagedList<ExtensionRead> | ApiFailure> {
  return readPagedList(
    call,
    {
      path: `/restapi/v1.0/account/${which.accountId}/presence`,
      route: "/restapi/v1.0/account/{account}/presence",
      group: "heavy",
      action: "read account presence",
      onPage: which.onPage,
      parse(record) {
        const extensionId = extensionIdIn(record);
        const presence = presenceIn(record);
        return extensionId === undefined || presence === undefined ? undefined : { extensionId, presence };
      },
    },
    options,
  );
}
