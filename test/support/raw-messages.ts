import { gunzipSync, gzipSync } from "node:zlib";
import {
  create,
  type DescMessage,
  fromBinary,
  fromJsonString,
  type MessageInitShape,
  toBinary,
  toJsonString,
} from "@bufbuild/protobuf";
import { status as grpcStatus } from "@grpc/grpc-js";
import { Reason } from "../../gen/availability/v1/availability_pb.ts";
import {
  BatchCheckRequestSchema,
  BatchCheckResponseSchema,
  CheckRequestSchema,
  type CheckResponse,
  CheckResponseSchema,
  CheckStreamRequestSchema,
  CheckStreamResponseSchema,
  WatchRequestSchema,
  WatchResponseSchema,
} from "../../gen/availability/v1/availability_service_pb.ts";
import { StatusSchema } from "../../gen/google/rpc/status_pb.ts";
import type { RawAnswer } from "./raw-calls.ts";

// Messages and answers as bytes, told without the help of any RPC library.

const METHODS = {
  Check: { input: CheckRequestSchema, output: CheckResponseSchema },
  BatchCheck: { input: BatchCheckRequestSchema, output: BatchCheckResponseSchema },
  Watch: { input: WatchRequestSchema, output: WatchResponseSchema },
  CheckStream: { input: CheckStreamRequestSchema, output: CheckStreamResponseSchema },
} as const;

type Method = keyof typeof METHODS;

/** A request message, binary or JSON. */
export function bytesOf<M extends Method>(
  method: M,
  init: MessageInitShape<(typeof METHODS)[M]["input"]>,
  json = false,
): Buffer {
  const schema = METHODS[method].input as DescMessage;
  const message = create(schema, init as MessageInitShape<DescMessage>);
  return Buffer.from(json ? toJsonString(schema, message) : toBinary(schema, message));
}

/** A message in the envelope of gRPC, gRPC-Web and Connect's streams. */
export function frame(message: Buffer, flags = 0, length = message.length): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt8(flags);
  head.writeUInt32BE(length, 1);
  return Buffer.concat([head, message]);
}

export const gzip = (bytes: Buffer): Buffer => gzipSync(bytes);

export type Protocol = "gRPC" | "gRPC-Web" | "Connect" | "Connect stream";

/** One line that says what an answer was, in its protocol's own terms. */
export function told(answer: RawAnswer, { protocol, path }: { protocol: Protocol; path: string }): string {
  const type = answer.headers["content-type"] ?? "";
  if (answer.reset && answer.reset !== "NO_ERROR" && answer.status === 0) return `stream reset with ${answer.reset}`;
  if (answer.status === 0) return "connection closed";
  if (protocol === "Connect") return toldUnary(answer, type, path);
  if (answer.status !== 200) return `HTTP ${answer.status}`;
  return protocol === "Connect stream" ? toldStream(answer, type, path) : toldGrpc(answer, type, path);
}

function toldUnary({ status, headers, body }: RawAnswer, type: string, path: string): string {
  if (!type.startsWith("application/json") && !type.startsWith("application/proto")) return `HTTP ${status}`;
  const packed = headers["content-encoding"];
  const plain = packed === "gzip" ? gunzipSync(body) : body;
  const how = packed ? ` (${packed})` : "";
  if (status === 200) return `HTTP 200: ${contentOf(plain, type, path)}${how}`;
  const { code, details = [] } = JSON.parse(plain.toString()) as { code?: string; details?: { type: string }[] };
  return `HTTP ${status} ${code ?? "without a code"}${detailNames(details.map(({ type }) => type))}${how}`;
}

function toldStream({ headers, body }: RawAnswer, type: string, path: string): string {
  const frames = framesOf(body, String(headers["connect-content-encoding"] ?? ""));
  const end = frames.find(({ flags }) => flags & 2);
  const messages = frames.filter(({ flags }) => !(flags & 2)).map(({ message }) => contentOf(message, type, path));
  const { error } = JSON.parse(end?.message.toString() || "{}") as {
    error?: { code: string; details?: { type: string }[] };
  };
  const how = frames.some(({ flags }) => flags & 1) ? " (gzip)" : "";
  const outcome = end ? (error?.code ?? "OK") : "no end";
  return `${[outcome, ...messages].join(": ")}${detailNames(error?.details?.map(({ type }) => type))}${how}`;
}

function toldGrpc(answer: RawAnswer, type: string, path: string): string {
  const said = grpcTrailers(answer);
  const frames = grpcFrames(answer);
  const messages = frames.filter(({ flags }) => !(flags & 0x80)).map(({ message }) => contentOf(message, type, path));
  const code = said["grpc-status"] === undefined ? "no status" : grpcStatus[Number(said["grpc-status"])];
  const packed = said["grpc-status-details-bin"];
  const details = packed ? fromBinary(StatusSchema, Buffer.from(packed, "base64")).details : [];
  const how = frames.some(({ flags }) => flags & 1) ? " (gzip)" : "";
  return `${[code, ...messages].join(": ")}${detailNames(details.map(({ typeUrl }) => typeUrl))}${how}`;
}

/** Where gRPC says how a call ended: the headers of an answer without messages, gRPC-Web's last frame, the trailers. */
export function grpcTrailers(answer: RawAnswer): Record<string, string | undefined> {
  if (answer.headers["grpc-status"]) return answer.headers as Record<string, string>;
  const last = grpcFrames(answer).find(({ flags }) => flags & 0x80);
  if (!last) return answer.trailers;
  const lines = last.message.toString().split("\r\n");
  return Object.fromEntries(lines.map((line) => [line.split(":")[0]!.toLowerCase(), line.replace(/^[^:]*: ?/, "")]));
}

function grpcFrames({ headers, body }: RawAnswer): Frame[] {
  return framesOf(body, String(headers["grpc-encoding"] ?? ""));
}

function detailNames(types: readonly string[] = []): string {
  return types.length === 0 ? "" : ` with ${types.map((type) => type.slice(type.lastIndexOf(".") + 1)).join(" and ")}`;
}

interface Frame {
  readonly flags: number;
  readonly message: Buffer;
}

function framesOf(body: Buffer, encoding: string): Frame[] {
  const frames: Frame[] = [];
  for (let at = 0; at < body.length; ) {
    const flags = body.readUInt8(at);
    const end = at + 5 + body.readUInt32BE(at + 1);
    const message = body.subarray(at + 5, end);
    frames.push({ flags, message: flags & 1 && encoding === "gzip" ? gunzipSync(message) : message });
    at = end;
  }
  return frames;
}

/** What a message says, in a word. */
function contentOf(bytes: Buffer, type: string, path: string): string {
  const method = path.slice(path.lastIndexOf("/") + 1).split("?")[0] as Method;
  const schema = METHODS[method].output as DescMessage;
  const message = type.includes("json") ? fromJsonString(schema, bytes.toString()) : fromBinary(schema, bytes);
  const found = message as unknown as {
    availability?: CheckResponse["availability"];
    outcome?: { case: string; value: CheckResponse & { code: number } };
    results?: unknown[];
    event?: { case: string };
  };
  if (found.event) return found.event.case;
  if (found.results) return `${found.results.length} results`;
  if (found.outcome?.case === "error") return `item error ${grpcStatus[found.outcome.value.code]}`;
  const reason = (found.outcome?.value ?? found).availability?.reason;
  return Object.entries(Reason).find(([, value]) => value === reason)?.[0] ?? "no reason";
}
