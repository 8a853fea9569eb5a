import { create } from "@bufbuild/protobuf";
import {
  CheckResponseSchema,
  type CheckStreamResponse,
  CheckStreamResponseSchema,
} from "../../gen/availability/v1/availability_service_pb.ts";
import type { Answer } from "../availability/answer.ts";
import { checkResponse } from "./convert-availability.ts";
import { fieldBytes, writeHead } from "./delimited.ts";
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

/**
 * The same, encoded. Of a stream that carries hundreds of thousands of answers a second only the ids differ: they are put
 * before the answer's bytes, which are made once.
 */
export function streamBytes(item: StreamAnswer): Uint8Array {
  if (!("answer" in item)) return bytesOf(CheckStreamResponseSchema, streamResponse(item));
  const { requestId } = item;
  const response = bytesOf(CheckResponseSchema, checkResponse(item.answer));
  const id = { number: idField.number, length: Buffer.byteLength(requestId) };
  const outcome = { number: responseField.number, length: response.length };
  const bytes = Buffer.allocUnsafe(fieldBytes(id.number, id.length) + fieldBytes(outcome.number, outcome.length));
  let at = writeHead(bytes, 0, id);
  at += bytes.write(requestId, at);
  response.copy(bytes, writeHead(bytes, at, outcome));
  return bytes;
}
