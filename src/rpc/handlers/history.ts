import { create } from "@bufbuild/protobuf";
import type { ServiceImpl } from "@connectrpc/connect";
import { Reason } from "../../../gen/availability/v1/availability_pb.ts";
import {
  type CheckCount,
  CheckCountSchema,
  type DestinationService,
  ListAvailabilityHistoryResponseSchema,
} from "../../../gen/availability/v1/destination_service_pb.ts";
import type { History } from "../../availability/history.ts";
import type { HistoryPage } from "../../availability/history-page.ts";
import { notFound, type Registry } from "../../destinations/registry.ts";
import { availabilityMessage, timestamp } from "../convert-availability.ts";
import { historyQuery, historyToken } from "../history-request.ts";

export function historyHandlers({
  history,
  registry,
}: {
  history: Pick<History, "list">;
  registry: Pick<Registry, "get">;
}): Pick<ServiceImpl<typeof DestinationService>, "listAvailabilityHistory"> {
  return {
    async listAvailabilityHistory(request) {
      const { destinationId } = request;
      const { changes, counts, next } = await history.list(historyQuery(request));
      // What is left of a destination that was deleted may be just what is looked for.
      const found = changes.length + counts.length > 0;
      if (!found && !registry.get(destinationId)) throw notFound("list the history of", destinationId);
      return create(ListAvailabilityHistoryResponseSchema, {
        changes: changes.map(availabilityMessage),
        checkCounts: counts.map(checkCount),
        nextPageToken: next === undefined ? "" : historyToken(destinationId, next),
      });
    },
  };
}

function checkCount({ minute, reason, count, accepted }: HistoryPage["counts"][number]): CheckCount {
  return create(CheckCountSchema, {
    minute: timestamp(minute),
    reason: Reason[reason],
    count: BigInt(count),
    accepted: BigInt(accepted),
  });
}
