/** One thing that is wrong with an input; `field` is its path, for example `destination.acceptance.regex.pattern`. */
export interface Violation {
  readonly field: string;
  /** Stable name of the broken rule, UPPER_SNAKE_CASE. */
  readonly reason: string;
  /** What was given and what is expected; never repeats a secret. */
  readonly description: string;
}

/** Something that is allowed and probably not meant; same shape as a violation. */
export type Warning = Violation;

/** Why a call to this service fails. RingCentral's trouble is never one of these: it is an answer. */
export type ErrorCode =
  | "INVALID_ARGUMENT"
  | "NOT_FOUND"
  | "ABORTED"
  | "UNAUTHENTICATED"
  | "PERMISSION_DENIED"
  | "RESOURCE_EXHAUSTED"
  | "UNAVAILABLE"
  | "CANCELLED"
  | "DEADLINE_EXCEEDED"
  | "UNIMPLEMENTED";

/** ServiceError is the one error that domain code throws at callers; `rpc/errors.ts` turns it into a status. */
export class ServiceError extends Error {
  override readonly name = "ServiceError";
  readonly code: ErrorCode;
  /** Every violation at once, for INVALID_ARGUMENT. */
  readonly violations: readonly Violation[];
  /** For google.rpc.ErrorInfo, for example the current revision. */
  readonly metadata: Readonly<Record<string, string>>;
  /** For google.rpc.RetryInfo, in milliseconds. */
  readonly retryDelayMs: number | undefined;

  constructor(
    code: ErrorCode,
    message: string,
    details: {
      violations?: readonly Violation[];
      metadata?: Record<string, string>;
      retryDelayMs?: number;
      cause?: unknown;
    } = {},
  ) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.violations = details.violations ?? [];
    this.metadata = details.metadata ?? {};
    this.retryDelayMs = details.retryDelayMs;
  }
}

/** The error for an input that breaks rules: says how many, and names the first. */
export function invalid(what: string, violations: readonly Violation[]): ServiceError {
  const first = violations[0];
  const more = violations.length > 1 ? ` (and ${violations.length - 1} more)` : "";
  return new ServiceError("INVALID_ARGUMENT", `Cannot ${what}: ${first?.field} ${first?.description}${more}`, {
    violations,
  });
}
