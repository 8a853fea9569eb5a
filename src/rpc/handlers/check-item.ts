import type { CheckRequest } from "../../../gen/availability/v1/availability_service_pb.ts";
import type { CheckQuery } from "../../availability/check.ts";
import { durationMs } from "../../lib/problems.ts";

/** What a valid request asks. */
export function queryOf(request: CheckRequest): CheckQuery {
  const { destinationId, maxAge, maxWait } = request;
  return { destinationId, maxAgeMs: maxAge && durationMs(maxAge), maxWaitMs: maxWait && durationMs(maxWait) };
}
