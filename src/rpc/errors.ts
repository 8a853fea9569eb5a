import { Code, ConnectError } from "@connectrpc/connect";
import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema } from "../../gen/google/rpc/error_details_pb.ts";
import { type ErrorCode, ServiceError, type Violation } from "../lib/errors.ts";
import { log } from "../telemetry/log.ts";

// A code that is not mapped does not compile.
const CODES: Record<ErrorCode, Code> = {
  INVALID_ARGUMENT: Code.InvalidArgument,
  NOT_FOUND: Code.NotFound,
  ABORTED: Code.Aborted,
  UNAUTHENTICATED: Code.Unauthenticated,
  PERMISSION_DENIED: Code.PermissionDenied,
  RESOURCE_EXHAUSTED: Code.ResourceExhausted,
  UNAVAILABLE: Code.Unavailable,
  CANCELLED: Code.Canceled,
  DEADLINE_EXCEEDED: Code.DeadlineExceeded,
  UNIMPLEMENTED: Code.Unimplemented,
};

// gRPC clients refuse metadata beyond 8 KB, and details travel there as base64.
const MAX_VIOLATION_BYTES = 4096;
const MAX_MESSAGE_CHARACTERS = 512;

/** The google.rpc.Code of a domain error's code. */
export function codeOf(code: ErrorCode): Code {
  return CODES[code];
}

/**
 * The one way from whatever was thrown to what the caller gets. `signal` is the call's own: what was thrown because it
 * was aborted counts as the reason it was aborted for. What nobody foresaw is logged whole and sent as INTERNAL without
 * its text.
 */
export function toConnectError(error: unknown, signal?: AbortSignal): ConnectError {
  if (error instanceof ConnectError) return error;
  if (error instanceof ServiceError) return fromServiceError(error);
  if (signal?.aborted && (error === signal.reason || isAbortError(error))) return abortedBy(signal.reason, error);
  log.error({ err: error }, "unexpected error in a call");
  return new ConnectError("internal error", Code.Internal, undefined, undefined, error);
}

function abortedBy(reason: unknown, cause: unknown): ConnectError {
  if (reason instanceof ConnectError) return reason;
  if (reason instanceof ServiceError) return fromServiceError(reason);
  return new ConnectError("the call was cancelled", Code.Canceled, undefined, undefined, cause);
}

function isAbortError(error: unknown): boolean {
  return error instanceof Error && error.name === "AbortError";
}

function fromServiceError(error: ServiceError): ConnectError {
  const { reason, ...metadata } = error.metadata;
  const details: ConnectError["details"] = [
    { desc: ErrorInfoSchema, value: { domain: "availability.v1", reason: reason ?? error.code, metadata } },
  ];
  if (error.violations.length > 0) {
    details.push({ desc: BadRequestSchema, value: { fieldViolations: violationsThatFit(error.violations) } });
  }
  if (error.retryDelayMs !== undefined) {
    details.push({ desc: RetryInfoSchema, value: { retryDelay: durationOf(error.retryDelayMs) } });
  }
  const message = error.message.slice(0, MAX_MESSAGE_CHARACTERS).toWellFormed();
  const result = new ConnectError(message, CODES[error.code], undefined, undefined, error);
  result.details = details;
  return result;
}

/** All of them, or as many as a client's metadata limit lets through and one that says how many were left out. */
function violationsThatFit(violations: readonly Violation[]) {
  const fitting: Violation[] = [];
  let bytes = 0;
  for (const violation of violations) {
    const { field, reason, description } = violation;
    bytes += Buffer.byteLength(field) + Buffer.byteLength(reason) + Buffer.byteLength(description) + 10;
    if (bytes > MAX_VIOLATION_BYTES && fitting.length > 0) {
      const left = violations.length - fitting.length;
      fitting.push({ field: "", reason: "TOO_MANY_VIOLATIONS", description: `${left} more violations are not shown` });
      break;
    }
    fitting.push({ field: field.toWellFormed(), reason, description: description.toWellFormed() });
  }
  return fitting;
}

function durationOf(ms: number) {
  const whole = Math.max(Math.round(ms), 0);
  return { seconds: BigInt(Math.floor(whole / 1000)), nanos: (whole % 1000) * 1_000_000 };
}
