import { create } from "@bufbuild/protobuf";
import type { CheckRequest } from "../../../gen/availability/v1/availability_service_pb.ts";
import { type CheckError, CheckErrorSchema } from "../../../gen/availability/v1/error_pb.ts";
import type { CheckQuery } from "../../availability/check.ts";
import { ServiceError } from "../../lib/errors.ts";
import { durationMs } from "../../lib/problems.ts";
import { codeOf, toConnectError } from "../errors.ts";

/** What a valid request asks. */
export function queryOf(request: CheckRequest): CheckQuery {
  const { destinationId, maxAge, maxWait } = request;
  return { destinationId, maxAgeMs: maxAge && durationMs(maxAge), maxWaitMs: maxWait && durationMs(maxWait) };
}

/** The error of one item of a BatchCheck or CheckStream, from whatever its judgement threw. */
export function itemError(error: unknown): CheckError {
  if (error instanceof ServiceError) {
    const { code, message, violations } = error;
    return create(CheckErrorSchema, { code: codeOf(code), message, violations: [...violations] });
  }
  const { code, rawMessage } = toConnectError(error);
  return create(CheckErrorSchema, { code, message: rawMessage });
}
