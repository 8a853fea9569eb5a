import { requestIdOf } from "../../upstream/attempt-span.ts";
import type { ApiFailure, ApiSuccess } from "../calls/call.ts";

/** The failure of a call whose answer came and cannot be made sense of; `state` says why, and nothing of this call alone. */
export function badAnswer(answer: ApiSuccess, action: string, state: string): ApiFailure {
  const { status, headers, exchange, sentAt } = answer;
  const message = `Cannot ${action}: ${state}`;
  const rcRequestId = requestIdOf(headers);
  const failure = { reason: "UPSTREAM_BAD_RESPONSE", scope: "question", message, status, rcRequestId } as const;
  return { ok: false, failure, until: sentAt, exchange };
}
