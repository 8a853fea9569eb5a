import { randomUUID } from "node:crypto";
import type { Wsc } from "./push-session.ts";
import type { Reply } from "./reply.ts";

/** The head of a frame that came. */
export interface FrameMeta {
  readonly type?: string;
  readonly messageId?: string;
  readonly method?: string;
  readonly path?: string;
}

/** A frame of the gateway: compact JSON, an array of head and body. */
export function frame(meta: object, body?: unknown): string {
  return JSON.stringify(body === undefined ? [meta] : [meta, body]);
}

/** The frame that refuses a socket or what came on it; without `body`, of a code and message. */
export function errorFrame(status: number, code: string, message: string): string {
  const meta = { type: "Error", messageId: randomUUID(), status, headers: { RCRequestId: randomUUID() } };
  return frame(meta, { errorCode: code, message, errors: [{ errorCode: code, message }] });
}

/** The frame that answers a request, which is of the request's own type and id. */
export function answerFrame({ messageId }: FrameMeta, { status, headers, body }: Reply): string {
  const shown = Object.entries(headers).filter(([name]) => /^(RCRequestId|X-Rate-Limit-.*|Retry-After)$/.test(name));
  const meta = { type: "ClientRequest", messageId, status, headers: Object.fromEntries(shown) };
  // The edge answers with text that is no JSON.
  return frame(meta, headers["Content-Type"]?.includes("json") && body !== "" ? JSON.parse(body) : undefined);
}

/** The frame that tells news, with its place in the session. */
export function notificationFrame(
  { event, body, changedAt }: { event: string; body: object; changedAt: number },
  { wsc, subscriptionId, ownerId }: { wsc: Wsc; subscriptionId: string; ownerId: string },
): string {
  const uuid = randomUUID();
  const meta = {
    type: "ServerNotification",
    messageId: uuid,
    status: 200,
    headers: { RCRequestId: randomUUID() },
    wsc,
  };
  return frame(meta, { uuid, event, timestamp: new Date(changedAt).toISOString(), subscriptionId, ownerId, body });
}

/** A frame that came, taken apart; undefined when it is none. */
export function parseFrame(text: string): { meta: FrameMeta; body: unknown } | undefined {
  try {
    const parsed: unknown = JSON.parse(text);
    if (!Array.isArray(parsed) || typeof parsed[0] !== "object" || parsed[0] === null) return undefined;
    return { meta: parsed[0], body: parsed[1] };
  } catch {
    return undefined;
  }
}
