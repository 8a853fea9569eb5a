import type { CheckRequest, CheckStreamRequest } from "../../gen/availability/v1/availability_service_pb.ts";
import { invalid, ServiceError, type Violation } from "../lib/errors.ts";
import { validateCheck } from "./validate.ts";

const MOST_ID_BYTES = 64;

/** The check of one item of a CheckStream; throws ServiceError INVALID_ARGUMENT with every violation of the item. */
export function validateStreamItem({ requestId, check }: CheckStreamRequest, inFlight: boolean): CheckRequest {
  const violations: Violation[] = [];
  const wrongId = (reason: string, description: string) =>
    violations.push({ field: "request_id", reason, description });
  if (requestId === "") wrongId("REQUIRED", `is empty, expected 1 to ${MOST_ID_BYTES} bytes`);
  const bytes = Buffer.byteLength(requestId);
  if (bytes > MOST_ID_BYTES) wrongId("TOO_LONG", `is ${bytes} bytes, expected at most ${MOST_ID_BYTES}`);
  if (inFlight) wrongId("DUPLICATE", "names a check that is not answered yet, expected one per unanswered check");
  if (check) violations.push(...violationsOf(check));
  else violations.push({ field: "check", reason: "REQUIRED", description: "is absent, expected a CheckRequest" });
  if (!check || violations.length > 0) throw invalid("check destination", violations);
  return check;
}

function violationsOf(check: CheckRequest): readonly Violation[] {
  try {
    validateCheck(check, "check.");
    return [];
  } catch (error) {
    if (error instanceof ServiceError) return error.violations;
    throw error;
  }
}
