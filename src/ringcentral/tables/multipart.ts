import { isJsonObject, type JsonObject } from "../../acceptance/json.ts";
import { idText } from "./id-text.ts";

/** What a call for several resources says of one of them. */
export interface BulkEntry {
  readonly resourceId: string;
  readonly status: number;
  readonly body: JsonObject;
}

/**
 * The entries of a 207 answer, as a JSON array or as multipart/mixed, whichever the server chose; undefined when it is
 * neither. https://developers.ringcentral.com/guide/basics/batch-requests
 */
export function bulkEntries(contentType: string, bodyText: string): readonly BulkEntry[] | undefined {
  const boundary = /^\s*multipart\/mixed\s*;.*?boundary="?([^";\s]+)"?/i.exec(contentType)?.[1];
  const entries = boundary === undefined ? parse(bodyText) : entriesOfParts(bodyText, boundary);
  if (!Array.isArray(entries)) return undefined;
  const read = entries.map(entryOf);
  return read.every((entry) => entry !== undefined) ? read : undefined;
}

function entryOf(value: unknown): BulkEntry | undefined {
  if (!isJsonObject(value)) return undefined;
  const { status, body } = value;
  const resourceId = idText(value.resourceId);
  if (resourceId === undefined || typeof status !== "number" || !isJsonObject(body)) return undefined;
  return { resourceId, status, body };
}

/** The first part lists addresses and statuses, the others are the bodies in the same order. */
function entriesOfParts(text: string, boundary: string): unknown[] | undefined {
  const parts = text
    .split(new RegExp(`(?:^|\\r?\\n)--${RegExp.escape(boundary)}(?:--)?[ \\t]*(?:\\r?\\n|$)`))
    .filter((part) => part.trim() !== "")
    // An empty line ends a part's headers, if it has any.
    .map((part) => parse(part.slice(/(?:^|\r?\n)\r?\n/.exec(part)?.index ?? 0)));
  const [head, ...bodies] = parts;
  const listed = isJsonObject(head) ? head.response : undefined;
  if (!Array.isArray(listed) || listed.length !== bodies.length) return undefined;
  return listed.map((entry: unknown, index) => {
    const { href, status } = isJsonObject(entry) ? entry : {};
    const resourceId = typeof href === "string" ? /\/extension\/(\d+)(?:\/|$)/.exec(href)?.[1] : undefined;
    return { resourceId, status, body: bodies[index] };
  });
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
