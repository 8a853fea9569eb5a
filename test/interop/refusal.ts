import { fromBinary } from "@bufbuild/protobuf";
import { anyUnpack } from "@bufbuild/protobuf/wkt";
import { ConnectError } from "@connectrpc/connect";
import { BadRequestSchema, ErrorInfoSchema } from "../../gen/google/rpc/error_details_pb.ts";
import { StatusSchema } from "../../gen/google/rpc/status_pb.ts";

/** An RPC error as every client must see it. */
export interface Refusal {
  /** Number of the google.rpc.Code. */
  readonly code: number;
  readonly message: string;
  /** The broken rules of google.rpc.BadRequest, as "field reason", in the service's order. */
  readonly violations: readonly string[];
  /** The reason of google.rpc.ErrorInfo. */
  readonly reason: string | undefined;
}

/** What a call was refused with, as Connect for the web sees it; rejects when it was answered. */
export async function refusalOf(call: Promise<unknown>): Promise<Refusal> {
  const error = await call.then(
    () => Promise.reject(new Error("Cannot compare refusals: the service answered")),
    (reason: unknown) => ConnectError.from(reason),
  );
  return {
    code: error.code,
    message: error.rawMessage,
    violations: error.findDetails(BadRequestSchema).flatMap(violations),
    reason: error.findDetails(ErrorInfoSchema)[0]?.reason,
  };
}

/** The same from a gRPC client in another language, which hands over `grpc-status-details-bin` in base64. */
export function refusalFrom(seen: { code: number; message: string; status: string }): Refusal {
  const details = fromBinary(StatusSchema, Buffer.from(seen.status, "base64")).details;
  return {
    code: seen.code,
    message: seen.message,
    violations: details
      .map((any) => anyUnpack(any, BadRequestSchema))
      .flatMap((found) => (found ? violations(found) : [])),
    reason: details.map((any) => anyUnpack(any, ErrorInfoSchema)).find((found) => found)?.reason,
  };
}

function violations(details: { fieldViolations: readonly { field: string; reason: string }[] }): string[] {
  return details.fieldViolations.map(({ field, reason }) => `${field} ${reason}`);
}
