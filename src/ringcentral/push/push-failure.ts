import type { UpstreamFailure } from "../../upstream/failure.ts";
import type { SocketListener } from "../../upstream/socket.ts";
import { meaningOf } from "../../upstream/transport-error.ts";
import { failureOf } from "../calls/errors.ts";
import type { FrameAnswer } from "./push-frames.ts";

/** Why a session ended. */
export type LostReason =
  /** RingCentral or the network closed it. */
  | "closed"
  /** Neither a frame nor a pong came for too long. */
  | "silent"
  /** News are missing, which a new session may replay. */
  | "gap"
  /** RingCentral said that it ends. */
  | "error_frame"
  /** It could not be opened. */
  | "not_opened"
  /** RingCentral did not begin as it should. */
  | "refused"
  /** The subscription was refused. */
  | "not_subscribed"
  /** The subscription was not renewed in time. */
  | "expired";

export interface SessionEnd {
  readonly reason: LostReason;
  readonly failure: UpstreamFailure;
}

/** What the end of a socket means; `action` begins the sentence. */
export function socketFailure(
  why: Parameters<SocketListener["onClose"]>[0],
  context: { readonly action: string; readonly hide: string; readonly now: number },
): UpstreamFailure {
  if (why.status !== undefined && why.status >= 300) {
    return failureOf({ status: why.status, headers: {}, bodyText: "" }, context);
  }
  if (why.error) {
    return { ...meaningOf(why.error.kind), message: `Cannot ${context.action}: ${why.error.state}` };
  }
  return unavailable(context.action, `the socket was closed (code ${why.code})`);
}

/** What an Error frame, or an answer that is none of success, means. */
export function answerFailure(
  answer: FrameAnswer,
  context: { readonly action: string; readonly hide: string; readonly now: number },
): UpstreamFailure {
  const { status, headers, body } = answer;
  // An Error frame need not carry a status; without one it says that the session is over.
  return failureOf({ status: status >= 400 ? status : 503, headers, bodyText: JSON.stringify(body ?? {}) }, context);
}

export function unavailable(action: string, state: string): UpstreamFailure {
  return { reason: "UPSTREAM_UNAVAILABLE", scope: "connection", message: `Cannot ${action}: ${state}` };
}

export function timedOut(action: string, state: string): UpstreamFailure {
  return { reason: "UPSTREAM_TIMEOUT", scope: "connection", message: `Cannot ${action}: ${state}` };
}

export function notUnderstood(action: string, state: string): UpstreamFailure {
  return { reason: "UPSTREAM_BAD_RESPONSE", scope: "connection", message: `Cannot ${action}: ${state}` };
}
