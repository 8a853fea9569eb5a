import type { UpstreamReason } from "../lib/reasons.ts";

/** UpstreamFailure is why a read gave no snapshot, and how much else will fail for the same reason. */
export interface UpstreamFailure {
  readonly reason: UpstreamReason;
  /** A sentence that stays the same while the trouble does: no times, no request ids, no secrets. */
  readonly message: string;
  /** What not to ask for a while: this question, anything with this credential, or anything in this usage group. */
  readonly scope: "question" | "connection" | "budget";
  /** HTTP status; absent when no answer came. */
  readonly status?: number | undefined;
  /** How long RingCentral asks to wait, in milliseconds. */
  readonly retryAfterMs?: number | undefined;
  /** RingCentral's id of the request, for its support. */
  readonly rcRequestId?: string | undefined;
}
