import { STATUS_CODES } from "node:http";
import { print } from "./layout.ts";
import { platformReply, type Reply } from "./reply.ts";

/** One answer of a call for several. */
export interface BulkEntry {
  readonly resourceId: string;
  readonly href: string;
  readonly status: number;
  readonly body: unknown;
}

export const MOST_EXTENSIONS = 30;

const JSON_FORM = "application/vnd.ringcentral.multipart+json";

/** 207 with every entry: parts of a multipart/mixed body, or a JSON array when `accept` asks for that. */
export function bulkReply(
  entries: readonly BulkEntry[],
  accept: string | undefined,
  headers: Record<string, string>,
): Reply {
  if (accept?.includes(JSON_FORM)) {
    const document = entries.map(({ resourceId, status, body }) => ({ resourceId, status, body }));
    return platformReply(207, document, { headers: { ...headers, "Content-Type": JSON_FORM } });
  }
  const boundary = `Boundary_1_${entries[0]?.resourceId}`;
  const response = entries.map(({ href, status }) => ({
    href,
    status,
    responseDescription: STATUS_CODES[status],
  }));
  const parts = [{ response }, ...entries.map(({ body }) => body)]
    .map((part) => `--${boundary}\r\nContent-Type: application/json\r\n\r\n${print(part, "jackson")}\r\n`)
    .join("");
  const reply = platformReply(
    207,
    {},
    { headers: { ...headers, "Content-Type": `multipart/mixed;boundary=${boundary}` } },
  );
  return { ...reply, body: `${parts}--${boundary}--\r\n` };
}
