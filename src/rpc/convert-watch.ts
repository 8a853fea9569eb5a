import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { AvailabilitySchema } from "../../gen/availability/v1/availability_pb.ts";
import {
  DestinationUnknown_Cause,
  type WatchResponse,
  WatchResponseSchema,
} from "../../gen/availability/v1/availability_service_pb.ts";
import type { Answer } from "../availability/answer.ts";
import type { WatchItem } from "../availability/watch.ts";
import type { WatchEvent } from "../availability/watch-event.ts";
import { resumeTokenOf, type WatchedSet } from "../availability/watched-set.ts";
import { availabilityMessage, timestamp } from "./convert-availability.ts";
import { bytesOf } from "./encode.ts";

/** One message of a Watch. */
export function watchResponse(item: WatchItem): WatchResponse {
  return create(WatchResponseSchema, { event: eventOf(item.event), resumeToken: resumeTokenOf(item) });
}

interface Last {
  readonly answer: Answer;
  readonly position: number | undefined;
  readonly bytes: Buffer;
}

/** What was said last to the streams of a set: most of them are about to be told the same. */
const last = new WeakMap<WatchedSet, Last>();

const { availability, resumeToken } = WatchResponseSchema.field;

/** The same, encoded; of a state that many are told at the same place, once for all of them. */
export function watchBytes(item: WatchItem): Buffer {
  const { event, set, position } = item;
  if (event.kind !== "availability") return bytesOf(WatchResponseSchema, watchResponse(item));
  const { answer } = event;
  const before = last.get(set);
  if (before?.answer === answer && before.position === position) return before.bytes;
  const writer = new BinaryWriter();
  writer.tag(availability.number, WireType.LengthDelimited);
  writer.bytes(bytesOf(AvailabilitySchema, availabilityMessage(answer)));
  if (position !== undefined) {
    writer.tag(resumeToken.number, WireType.LengthDelimited).string(resumeTokenOf(item));
  }
  const { buffer, byteOffset, byteLength } = writer.finish();
  const bytes = Buffer.from(buffer, byteOffset, byteLength);
  last.set(set, { answer, position, bytes });
  return bytes;
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
