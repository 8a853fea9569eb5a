import { inspect } from "node:util";
import { Code, ConnectError } from "@connectrpc/connect";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema } from "../../gen/google/rpc/error_details_pb.ts";
import { type ErrorCode, ServiceError, type Violation } from "../lib/errors.ts";
import { log } from "../telemetry/log.ts";
import { codeOf, toConnectError } from "./errors.ts";
import { grpcStatusOf } from "./grpc-metadata.ts";

const logged = vi.spyOn(log, "error");
beforeEach(() => void logged.mockClear());
afterEach(() => void vi.clearAllMocks());

test("codeOf() gives gRPC's number when asked for any code", () => {
  const numbers: Record<ErrorCode, number> = {
    CANCELLED: 1,
    INVALID_ARGUMENT: 3,
    DEADLINE_EXCEEDED: 4,
    NOT_FOUND: 5,
    PERMISSION_DENIED: 7,
    RESOURCE_EXHAUSTED: 8,
    ABORTED: 10,
    UNIMPLEMENTED: 12,
    UNAVAILABLE: 14,
    UNAUTHENTICATED: 16,
  };
  for (const [name, number] of Object.entries(numbers)) expect(codeOf(name as ErrorCode), name).toBe(number);
});

test("toConnectError() carries every detail when a ServiceError has them", () => {
  const violation = { field: "a.b", reason: "REQUIRED", description: "is absent" };
  const error = toConnectError(
    new ServiceError("ABORTED", "Cannot configure: no", {
      violations: [violation],
      metadata: { revision: "7", reason: "REVISION_MISMATCH" },
      retryDelayMs: 1500,
      cause: new Error("secret cause"),
    }),
  );
  expect(error).toMatchObject({ code: Code.Aborted, rawMessage: "Cannot configure: no" });
  expect(error.findDetails(BadRequestSchema)[0]?.fieldViolations).toMatchObject([violation]);
  expect(error.findDetails(ErrorInfoSchema)[0]).toMatchObject({
    domain: "availability.v1",
    reason: "REVISION_MISMATCH",
    metadata: { revision: "7" },
  });
  expect(error.findDetails(RetryInfoSchema)[0]?.retryDelay).toMatchObject({ seconds: 1n, nanos: 500_000_000 });
  expect(inspect(grpcStatusOf(error, undefined), { depth: 9 })).not.toContain("secret");
});

test("toConnectError() says how many violations are left out when not all fit a client's metadata limit", () => {
  const violations: Violation[] = Array.from({ length: 500 }, (_, i) => ({
    field: `checks[${i}].destination_id`,
    reason: "REQUIRED",
    description: "is empty, expected 1 to 64 characters",
  }));
  const error = toConnectError(new ServiceError("INVALID_ARGUMENT", "Cannot check: bad", { violations }));
  const shown = error.findDetails(BadRequestSchema)[0]!.fieldViolations;
  expect(shown[0]?.field).toBe("checks[0].destination_id");
  expect(shown.at(-1)).toMatchObject({ reason: "TOO_MANY_VIOLATIONS" });
  expect(shown.at(-1)?.description).toMatch(new RegExp(`^${500 - (shown.length - 1)} more`));
  const bytes = shown.reduce((sum, v) => sum + v.field.length + v.reason.length + v.description.length, 0);
  expect(bytes).toBeLessThan(4500);
});

test("toConnectError() passes a ConnectError on as it is", () => {
  const error = new ConnectError("no", Code.OutOfRange);
  expect(toConnectError(error)).toBe(error);
});

test("toConnectError() hides an unforeseen error and logs it whole", () => {
  const cause = new TypeError("password hunter2");
  const error = toConnectError(cause);
  expect(error).toMatchObject({ code: Code.Internal, rawMessage: "internal error" });
  expect(logged).toHaveBeenCalledWith({ err: cause }, expect.any(String));
});

test("toConnectError() says CANCELLED when the caller aborted, and nothing in the log", () => {
  const control = new AbortController();
  control.abort();
  expect(toConnectError(control.signal.reason, control.signal).code).toBe(Code.Canceled);
  expect(toConnectError(new DOMException("stop", "AbortError"), control.signal).code).toBe(Code.Canceled);
  expect(logged).not.toHaveBeenCalled();
});

test("toConnectError() gives the reason of the abort when that is a status", () => {
  const control = new AbortController();
  control.abort(new ConnectError("late", Code.DeadlineExceeded));
  expect(toConnectError(new DOMException("stop", "AbortError"), control.signal).code).toBe(Code.DeadlineExceeded);
});

test("toConnectError() says INTERNAL for an AbortError when nobody aborted the call", () => {
  const error = toConnectError(new DOMException("stop", "AbortError"), new AbortController().signal);
  expect(error.code).toBe(Code.Internal);
  expect(logged).toHaveBeenCalledOnce();
});

test("toConnectError() keeps a text that cannot be sent as a header out of trouble", () => {
  const error = toConnectError(new ServiceError("NOT_FOUND", `Cannot find "\ud800": ${"x".repeat(5000)}`));
  expect(() => encodeURI(error.rawMessage)).not.toThrow();
  expect(error.rawMessage.length).toBeLessThanOrEqual(512);
});
