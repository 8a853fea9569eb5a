import { Secret } from "../../lib/secret.ts";
import { asCount, asObject, asText, type JsonObject } from "./push-json.ts";

/** What lets a later socket resume this one's session; of two, the one with the higher sequence is the newer. */
export interface SessionToken {
  readonly token: Secret;
  readonly sequence: number;
}

/** What RingCentral says of a session in its first frame; undefined where it says nothing. */
export interface ConnectionDetails {
  /** Whether the session that was to be resumed could be; undefined when none was. */
  readonly recovery: "Successful" | "Failed" | undefined;
  /** How many messages at most are replayed. */
  readonly recoveryBufferSize: number | undefined;
  /** How long after a cut the session can be resumed, in milliseconds. */
  readonly recoveryTimeoutMs: number | undefined;
  /** After that much silence, and that long after the start, RingCentral ends the session; in milliseconds. */
  readonly idleTimeoutMs: number | undefined;
  readonly absoluteTimeoutMs: number | undefined;
}

/** The answer to a request, or an Error frame: an HTTP answer but for its transport. */
export interface FrameAnswer {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: unknown;
}

/** One frame, parsed. */
export type Frame =
  | { readonly kind: "details"; readonly details: ConnectionDetails; readonly wsc: SessionToken | undefined }
  | {
      readonly kind: "answer";
      readonly messageId: string;
      readonly answer: FrameAnswer;
      readonly wsc: SessionToken | undefined;
    }
  | {
      readonly kind: "notification";
      /** The path of what it is about. */
      readonly event: string;
      readonly body: unknown;
      readonly wsc: SessionToken | undefined;
    }
  | { readonly kind: "heartbeat"; readonly messageId: string; readonly wsc: SessionToken | undefined }
  | { readonly kind: "error"; readonly answer: FrameAnswer; readonly wsc: undefined }
  /** Of a type that means nothing here. */
  | { readonly kind: "other"; readonly wsc: SessionToken | undefined }
  /** It cannot be told what it said, so it may have been news. */
  | { readonly kind: "malformed"; readonly problem: string; readonly wsc: undefined };

/** Parses a text frame: a JSON array of meta data and, mostly, a body. It never throws. */
export function parseFrame(text: string): Frame {
  let frame: unknown;
  try {
    frame = JSON.parse(text);
  } catch {
    return malformed("it is not JSON");
  }
  if (!Array.isArray(frame)) return malformed("it is not an array");
  const meta = asObject(frame[0]);
  const type = asText(meta?.type);
  if (!meta || !type) return malformed("it has no type");
  const wsc = readToken(meta.wsc);
  const body: unknown = frame[1];
  switch (type) {
    case "ConnectionDetails":
      return readDetails(meta, body, wsc);
    case "ClientRequest": {
      const messageId = asText(meta.messageId);
      if (!messageId) return malformed("the answer has no messageId");
      return { kind: "answer", messageId, answer: readAnswer(meta, body), wsc };
    }
    case "ServerNotification": {
      const notification = asObject(body);
      const event = asText(notification?.event);
      if (!event) return malformed("the notification does not say what it is about");
      return { kind: "notification", event, body: notification?.body, wsc };
    }
    case "Heartbeat":
      return { kind: "heartbeat", messageId: asText(meta.messageId) ?? "", wsc };
    case "Error":
      return { kind: "error", answer: readAnswer(meta, body), wsc: undefined };
    default:
      return { kind: "other", wsc };
  }
}

/** The request for a subscription, which replaces the one that the socket had. */
export function printSubscribe(messageId: string, eventFilters: readonly string[]): string {
  const meta = { type: "ClientRequest", messageId, method: "POST", path: "/restapi/v1.0/subscription" };
  return JSON.stringify([meta, { eventFilters, deliveryMode: { transportType: "WebSocket" } }]);
}

export function printHeartbeat(messageId: string): string {
  return JSON.stringify([{ type: "Heartbeat", messageId }]);
}

function malformed(problem: string): Frame {
  return { kind: "malformed", problem, wsc: undefined };
}

function readToken(value: unknown): SessionToken | undefined {
  const wsc = asObject(value);
  const token = asText(wsc?.token);
  const sequence = asCount(wsc?.sequence);
  return token === undefined || sequence === undefined ? undefined : { token: new Secret(token), sequence };
}

function readDetails(meta: JsonObject, body: unknown, wsc: SessionToken | undefined): Frame {
  const status = asCount(meta.status) ?? 200;
  if (status >= 400) return { kind: "error", answer: readAnswer(meta, body), wsc: undefined };
  const given = asObject(body) ?? {};
  const state = given.recoveryState;
  const details: ConnectionDetails = {
    // A word that is not known must not be taken for a recovery.
    recovery: state === undefined || state === null ? undefined : state === "Successful" ? "Successful" : "Failed",
    recoveryBufferSize: asCount(given.recoveryBufferSize),
    recoveryTimeoutMs: inMs(given.recoveryTimeout),
    idleTimeoutMs: inMs(given.idleTimeout),
    absoluteTimeoutMs: inMs(given.absoluteTimeout),
  };
  return { kind: "details", details, wsc };
}

function inMs(seconds: unknown): number | undefined {
  const count = asCount(seconds);
  return count ? count * 1000 : undefined;
}

function readAnswer(meta: JsonObject, body: unknown): FrameAnswer {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(asObject(meta.headers) ?? {})) headers[name.toLowerCase()] = String(value);
  return { status: asCount(meta.status) ?? 0, headers, body };
}
