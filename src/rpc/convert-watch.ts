import { create, type MessageInitShape } from "@bufbuild/protobuf";
import {
  DestinationUnknown_Cause,
  type WatchResponse,
  WatchResponseSchema,
} from "../../gen/availability/v1/availability_service_pb.ts";
import type { WatchEvent } from "../availability/watch-event.ts";
import { availabilityMessage, timestamp } from "./convert-availability.ts";

/** One message of a Watch. */
export function watchResponse({ event, resumeToken }: { event: WatchEvent; resumeToken: string }): WatchResponse {
  return create(WatchResponseSchema, { event: eventOf(event), resumeToken });
}

function eventOf(event: WatchEvent): NonNullable<MessageInitShape<typeof WatchResponseSchema>["event"]> {
  switch (event.kind) {
    case "availability":
      return { case: "availability", value: availabilityMessage(event.answer) };
    case "removed":
      return { case: "removed", value: { destinationId: event.destinationId, version: event.version } };
    case "unknown":
      return {
        case: "unknown",
        value: { destinationId: event.destinationId, cause: DestinationUnknown_Cause.NOT_FOUND },
      };
    case "synced":
      return { case: "synced", value: { serverTime: timestamp(event.serverTime) } };
    case "resync":
      return { case: "resync", value: {} };
    case "heartbeat": {
      const freshness = event.confirmed.map(({ destinationId, version, observedAt, validUntil }) => ({
        destinationId,
        version,
        ...(observedAt !== undefined && { observedAt: timestamp(observedAt) }),
        ...(validUntil !== undefined && { validUntil: timestamp(validUntil) }),
      }));
      return {
        case: "heartbeat",
        value: { serverTime: timestamp(event.serverTime), freshness, upToDate: event.upToDate },
      };
    }
  }
}
