import { create } from "@bufbuild/protobuf";
import { type CheckError, CheckErrorSchema } from "../../gen/availability/v1/error_pb.ts";
import { ServiceError } from "../lib/errors.ts";
import { codeOf, toConnectError } from "./errors.ts";

/** The error of one item of a BatchCheck or CheckStream, from whatever its judgement threw. */
export function itemError(error: unknown): CheckError {
  if (error instanceof ServiceError) {
    const { code, message, violations } = error;
    return create(CheckErrorSchema, { code: codeOf(code), message, violations: [...violations] });
  }
  const { code, rawMessage } = toConnectError(error);
  return create(CheckErrorSchema, { code, message: rawMessage });
}
