import type { ServerResponse } from "node:http";
import type { Http2ServerResponse } from "node:http2";
import type { UniversalServerResponse } from "@connectrpc/connect/protocol";

export type AnyResponse = ServerResponse | Http2ServerResponse;

/**
 * Writes Connect's answer. Unlike connect-node's own writer it says nothing on the console when the client has gone, and
 * a handler never stays behind: as soon as the response is closed, its stream is left.
 */
export async function writeAnswer(answer: UniversalServerResponse, res: AnyResponse): Promise<void> {
  const body = answer.body?.[Symbol.asyncIterator]();
  try {
    // The headers go with the first message, so that the handler can still set some.
    let chunk = await body?.next();
    if (isGone(res)) return;
    sendHead(answer, res);
    while (chunk && !chunk.done) {
      if (!write(res, chunk.value)) await writable(res);
      if (isGone(res)) return;
      chunk = await body?.next();
    }
    if (isGone(res)) return;
    if (answer.trailer) res.addTrailers(Object.fromEntries(answer.trailer));
    res.end();
  } finally {
    body?.return?.().then(undefined, () => {});
  }
}

function sendHead(answer: UniversalServerResponse, res: AnyResponse): void {
  const headers: Record<string, string | string[]> = { "cache-control": "no-store" };
  for (const [name, value] of answer.header ?? []) if (name !== "set-cookie") headers[name] = value;
  const cookies = answer.header?.getSetCookie() ?? [];
  if (cookies.length > 0) headers["set-cookie"] = cookies;
  (res as ServerResponse).writeHead(answer.status, headers);
}

function write(res: AnyResponse, bytes: Uint8Array): boolean {
  return (res as ServerResponse).write(bytes);
}

function isGone(res: AnyResponse): boolean {
  return res.closed || res.destroyed;
}

/** Resolves when the response takes more, or will never do so. */
function writable(res: AnyResponse): Promise<void> {
  return new Promise((resolve) => {
    const finish = () => {
      res.off("drain", finish);
      res.off("close", finish);
      resolve();
    };
    res.on("drain", finish);
    res.on("close", finish);
  });
}
