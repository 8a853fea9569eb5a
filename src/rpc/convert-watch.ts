import { create, type DescField, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { AvailabilitySchema } from "../../gen/availability/v1/availability_pb.ts";
import {
  DestinationUnknown_Cause,
  type FreshnessSchema,
  WatchHeartbeatSchema,
  type WatchResponse,
  WatchResponseSchema,
} from "../../gen/availability/v1/availability_service_pb.ts";
import type { Answer } from "../availability/answer.ts";
import type { WatchItem } from "../availability/watch.ts";
import type { WatchEvent } from "../availability/watch-event.ts";
import { resumeTokenOf, type WatchedSet } from "../availability/watched-set.ts";
import { availabilityMessage, timestamp } from "./convert-availability.ts";
import { fieldBytes, writeHead } from "./delimited.ts";
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

const { availability, heartbeat, resumeToken } = WatchResponseSchema.field;

type Heartbeat = Extract<WatchEvent, { kind: "heartbeat" }>;

/** The same, encoded; what many are told is encoded once for all of them. */
export function watchBytes(item: WatchItem): Buffer {
  const { event } = item;
  if (event.kind === "availability") return stateBytes(item, event.answer);
  if (event.kind === "heartbeat") return eventBytes(item, heartbeat, heartbeatBytes(event));
  return bytesOf(WatchResponseSchema, watchResponse(item));
}

function stateBytes(item: WatchItem, answer: Answer): Buffer {
  const { set, position } = item;
  const before = last.get(set);
  if (before?.answer === answer && before.position === position) return before.bytes;
  const bytes = eventBytes(item, availability, bytesOf(AvailabilitySchema, availabilityMessage(answer)));
  last.set(set, { answer, position, bytes });
  return bytes;
}

function eventBytes(item: WatchItem, event: DescField, bytes: Uint8Array): Buffer {
  const token = Buffer.from(resumeTokenOf(item), "latin1");
  const head = { number: event.number, length: bytes.length };
  const tail = { number: resumeToken.number, length: token.length };
  const tailBytes = token.length === 0 ? 0 : fieldBytes(tail.number, tail.length);
  const whole = Buffer.allocUnsafe(fieldBytes(head.number, head.length) + tailBytes);
  const at = writeHead(whole, 0, head);
  whole.set(bytes, at);
  if (tailBytes > 0) whole.set(token, writeHead(whole, at + bytes.length, tail));
  return whole;
}

/** By the list that streams of a set share: of thousands of states it takes longer than everything else they are told. */
const freshnessBytes = new WeakMap<readonly Answer[], Uint8Array>();

function heartbeatBytes({ serverTime, confirmed, upToDate }: Heartbeat): Uint8Array {
  let freshness = freshnessBytes.get(confirmed);
  if (!freshness) {
    freshness = toBinary(WatchHeartbeatSchema, create(WatchHeartbeatSchema, { freshness: confirmed.map(freshnessOf) }));
    freshnessBytes.set(confirmed, freshness);
  }
  const rest = create(WatchHeartbeatSchema, { serverTime: timestamp(serverTime), upToDate });
  // Protobuf has no field order, and what follows adds to what came before.
  return Buffer.concat([toBinary(WatchHeartbeatSchema, rest), freshness]);
}

function freshnessOf({
  destinationId,
  version,
  observedAt,
  validUntil,
}: Answer): MessageInitShape<typeof FreshnessSchema> {
  return {
    destinationId,
    version,
    ...(observedAt !== undefined && { observedAt: timestamp(observedAt) }),
    ...(validUntil !== undefined && { validUntil: timestamp(validUntil) }),
  };
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
      const freshness = event.confirmed.map(freshnessOf);
      return {
        case: "heartbeat",
        value: { serverTime: timestamp(event.serverTime), freshness, upToDate: event.upToDate },
      };
    }
  }
}
