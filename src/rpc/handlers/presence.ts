import { create } from "@bufbuild/protobuf";
import type { ServiceImpl } from "@connectrpc/connect";
import { Reason, Source } from "../../../gen/availability/v1/availability_pb.ts";
import {
  type DestinationService,
  GetPresenceResponseSchema,
  ListUpstreamCallsResponseSchema,
} from "../../../gen/availability/v1/destination_service_pb.ts";
import type { Board } from "../../availability/board.ts";
import { agentRecords } from "../../availability/roster.ts";
import { notFound } from "../../destinations/registry.ts";
import type { UpstreamCall } from "../../upstream/attempt-span.ts";
import { timestamp } from "../convert-availability.ts";
import { duration } from "../convert-explanation.ts";
import { callToken, pageSize, parseCallToken } from "../paging.ts";

type Handlers = Pick<ServiceImpl<typeof DestinationService>, "getPresence" | "listUpstreamCalls">;

export function presenceHandlers({ board }: { board: Pick<Board, "get"> }): Handlers {
  return {
    getPresence({ destinationId }) {
      const standing = board.get(destinationId);
      if (!standing) throw notFound("get the presence of", destinationId);
      const snapshot = standing.reads?.newest;
      if (!snapshot) return create(GetPresenceResponseSchema, { source: Source.NONE });
      const age = standing.age(snapshot);
      return create(GetPresenceResponseSchema, {
        agents: agentRecords(snapshot.document, standing.entry.compiled?.criteria.onlyExtensions),
        observedAt: timestamp(age.at),
        source: age.pushed ? Source.PUSH : Source.CACHE,
      });
    },

    listUpstreamCalls({ destinationId, pageSize: size, pageToken }) {
      const standing = board.get(destinationId);
      if (!standing) throw notFound("list the upstream calls of", destinationId);
      const page = standing.calls.page({ before: parseCallToken(pageToken), size: pageSize(size) });
      return create(ListUpstreamCallsResponseSchema, {
        calls: page.calls.map(callMessage),
        nextPageToken: page.next === undefined ? "" : callToken(page.next),
      });
    },
  };
}

function callMessage(call: UpstreamCall) {
  const { at, method, path, status, tookMs, reason, rcRequestId, traceId, attempt } = call;
  return {
    time: timestamp(at),
    method,
    path,
    status,
    latency: duration(tookMs),
    reason: reason ? Reason[reason] : Reason.UNSPECIFIED,
    rcRequestId: rcRequestId ?? "",
    traceId,
    attempt,
  };
}
