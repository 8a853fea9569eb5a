import type { ExtensionPresence, PushEvent } from "./push-event.ts";
import { keyOfPath } from "./push-filters.ts";
import { asCount, asId, asObject, asText, type JsonObject } from "./push-json.ts";

/** What a notification came to. */
export type ReadEvent =
  | { readonly kind: "event"; readonly event: PushEvent }
  /** It says nothing that is wanted here. */
  | { readonly kind: "ignored" }
  /** It is about something that is followed, but not readable: a change may be missed. `about` is the filter's key. */
  | { readonly kind: "unreadable"; readonly about: string };

const UNREADABLE_ROW = "unreadable";

/** Reads the body of a notification about `path`. Unknown members are ignored; ids come as text or as numbers. */
export function readEvent(path: string, body: unknown): ReadEvent {
  const about = keyOfPath(path);
  if (about === undefined) return { kind: "ignored" };
  const given = asObject(body);
  if (!given) return { kind: "unreadable", about };
  const event = about.startsWith("queue:") ? readQueue(about, given) : readExtension(about, given);
  if (event === undefined) return { kind: "unreadable", about };
  const told = event.kind === "queue" ? event.members.length > 0 : Object.keys(event.presence).length > 0;
  return told ? { kind: "event", event } : { kind: "ignored" };
}

type QueueMember = Extract<PushEvent, { kind: "queue" }>["members"][number];

/**
 * A queue's event lists members; the shape that the API's description gives, with one member and other names, is read
 * too.
 */
function readQueue(about: string, body: JsonObject): PushEvent | undefined {
  const queueId = about.slice("queue:".length);
  const rows = Array.isArray(body.records)
    ? body.records.map(readRecord)
    : "acceptCalls" in body
      ? [readMember(body.extensionId, body.acceptCalls)]
      : [UNREADABLE_ROW as typeof UNREADABLE_ROW];
  const members: QueueMember[] = [];
  for (const row of rows) {
    if (row === UNREADABLE_ROW) return undefined;
    if (row) members.push(row);
  }
  return { kind: "queue", queueId, members };
}

function readRecord(value: unknown): QueueMember | typeof UNREADABLE_ROW | undefined {
  const record = asObject(value);
  return record ? readMember(asObject(record.member)?.id, record.acceptCurrentQueueCalls) : UNREADABLE_ROW;
}

/** Undefined when the member's opt-in is not told. */
function readMember(id: unknown, accepts: unknown): QueueMember | typeof UNREADABLE_ROW | undefined {
  const extensionId = asId(id);
  if (accepts === undefined) return undefined;
  if (extensionId === undefined || typeof accepts !== "boolean") return UNREADABLE_ROW;
  return { extensionId, acceptCurrentQueueCalls: accepts };
}

const TEXTS = [
  "presenceStatus",
  "userStatus",
  "dndStatus",
  "dndStatusPersonal",
  "telephonyStatus",
  "aggregatedTelephonyStatus",
  "meetingStatus",
] as const satisfies readonly (keyof ExtensionPresence)[];

/** An event under the account's filter names the extension in its path or its body. */
function readExtension(about: string, body: JsonObject): PushEvent | undefined {
  const extensionId = asId(body.extensionId) ?? asId(about.split(":")[1]);
  if (extensionId === undefined) return undefined;
  const presence: { -readonly [Field in keyof ExtensionPresence]: ExtensionPresence[Field] } = {};
  for (const field of TEXTS) {
    const text = asText(body[field]);
    if (text !== undefined) presence[field] = text;
  }
  if (typeof body.acceptCallQueueCalls === "boolean") presence.acceptCallQueueCalls = body.acceptCallQueueCalls;
  return { kind: "extension", extensionId, presence, sequence: asCount(body.sequence) };
}
