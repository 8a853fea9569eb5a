import { create } from "@bufbuild/protobuf";
import {
  CheckResponseSchema,
  type CheckStreamResponse,
  CheckStreamResponseSchema,
} from "../../gen/availability/v1/availability_service_pb.ts";
import type { Answer } from "../availability/answer.ts";
import { checkResponse } from "./convert-availability.ts";
import { bytesOf } from "./encode.ts";
import { itemError } from "./item-error.ts";

/** What became of one check of a stream. */
export type StreamAnswer =
  | { readonly requestId: string; readonly answer: Answer }
  | { readonly requestId: string; readonly error: unknown };

/** The message of an answer. */
export function streamResponse(item: StreamAnswer): CheckStreamResponse {
  const { requestId } = item;
  const outcome =
    "answer" in item
      ? { case: "response" as const, value: checkResponse(item.answer) }
      : { case: "error" as const, value: itemError(item.error) };
  return create(CheckStreamResponseSchema, { requestId, outcome });
}

const { requestId: idField, response: responseField } = CheckStreamResponseSchema.field;
const LENGTH_DELIMITED = 2;
const ID_TAG = (idField.number << 3) | LENGTH_DELIMITED;
const RESPONSE_TAG = (responseField.number << 3) | LENGTH_DELIMITED;
const ONE_BYTE = 0x80;

/**
 * The same, encoded. Of a stream that carries hundreds of thousands of answers a second only the ids differ: they are put
 * before the answer's bytes, which are made once.
 */
export function streamBytes(item: StreamAnswer): Uint8Array {
  if (!("answer" in item)) return bytesOf(CheckStreamResponseSchema, streamResponse(item));
  const { requestId } = item;
  const response = bytesOf(CheckResponseSchema, checkResponse(item.answer));
  // A valid id has 64 bytes at most, so that its length takes one.
  const idBytes = Buffer.byteLength(requestId);
  let lengthBytes = 1;
  for (let rest = response.length >>> 7; rest > 0; rest >>>= 7) lengthBytes++;
  const bytes = Buffer.allocUnsafe(2 + idBytes + 1 + lengthBytes + response.length);
  bytes[0] = ID_TAG;
  bytes[1] = idBytes;
  bytes.write(requestId, 2);
  let at = 2 + idBytes;
  bytes[at++] = RESPONSE_TAG;
  let length = response.length;
  for (; length >= ONE_BYTE; length >>>= 7) bytes[at++] = (length & (ONE_BYTE - 1)) | ONE_BYTE;
  bytes[at++] = length;
  response.copy(bytes, at);
  return bytes;
}
