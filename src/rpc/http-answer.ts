import type { ServerResponse } from "node:http";
import { constants, type Http2ServerResponse, type ServerHttp2Stream } from "node:http2";
import type { UniversalServerResponse } from "@connectrpc/connect/protocol";

export type AnyResponse = ServerResponse | Http2ServerResponse;

/**
 * Writes Connect's answer. Unlike connect-node's own writer it says nothing on the console when the client has gone, and
 * a handler never stays behind: as soon as the response is closed, its stream is left.
 */
export async function writeAnswer(answer: UniversalServerResponse, res: AnyResponse): Promise<void> {
  const body = answer.body?.[Symbol.asyncIterator]();
  const reader = readerOf(res);
  try {
    // The headers go with the first message, so that the handler can still set some.
    let chunk = await body?.next();
    if (reader.gone) return;
    sendHead(answer, res);
    while (chunk && !chunk.done) {
      if (!write(res, chunk.value)) await reader.ready();
      if (reader.gone) return;
      chunk = await body?.next();
    }
    if (reader.gone) return;
    if (answer.trailer) res.addTrailers(trailersOf(answer.trailer));
    if ("stream" in res) letGo(res.stream);
    res.end();
  } finally {
    body?.return?.().then(undefined, () => {});
  }
}

/** The same for an answer of one message, which leaves in one piece with its end. */
export async function writeWhole(answer: UniversalServerResponse, res: AnyResponse): Promise<void> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of answer.body ?? []) chunks.push(chunk);
  if (isGone(res)) return;
  sendHead(answer, res);
  if (answer.trailer) res.addTrailers(trailersOf(answer.trailer));
  if ("stream" in res) letGo(res.stream);
  (res as ServerResponse).end(chunks.length === 1 ? chunks[0] : Buffer.concat(chunks));
}

function isGone(res: AnyResponse): boolean {
  return "stream" in res ? res.stream === undefined || res.stream.destroyed : res.closed || res.destroyed;
}

/**
 * Tells an HTTP/2 client that sends on after the whole answer to stop, as RFC 9113 has it in 8.1: nobody reads that, and
 * the stream would stay open for it. HTTP/1.1 connections see to themselves.
 */
function letGo(stream: ServerHttp2Stream | undefined): void {
  if (!stream || stream.readableEnded) return;
  // Trailers, if only empty ones, end every response; a reset in the turn in which they are sent would overtake them.
  stream.once("wantTrailers", () =>
    setImmediate(() => {
      if (!stream.readableEnded && !stream.destroyed) stream.close(constants.NGHTTP2_NO_ERROR);
    }),
  );
}

/** Who reads a response: gone or not, and when there is room for more. */
function readerOf(res: AnyResponse): { readonly gone: boolean; ready(): Promise<void> } {
  // Of an HTTP/1.1 response whose client left before this; HTTP/2 responses have no such property.
  let gone = (res as ServerResponse).closed;
  let wake = () => {};
  const onDrain = () => wake();
  res.on("drain", onDrain);
  res.once("close", () => {
    gone = true;
    res.off("drain", onDrain);
    wake();
  });
  return {
    get gone() {
      return gone;
    },
    ready: () =>
      new Promise((resolve) => {
        wake = resolve;
        if (gone) resolve();
      }),
  };
}

function sendHead(answer: UniversalServerResponse, res: AnyResponse): void {
  const headers: Record<string, string | string[]> = { "cache-control": "no-store" };
  for (const [name, value] of answer.header ?? []) if (name !== "set-cookie") headers[name] = value;
  const cookies = answer.header?.getSetCookie() ?? [];
  if (cookies.length > 0) headers["set-cookie"] = cookies;
  (res as ServerResponse).writeHead(answer.status, headers);
}

/** Connect escapes `:`, `,` and their like in grpc-message, which gRPC does not ask for and grpc-js does not undo. */
function trailersOf(trailer: Headers): Record<string, string> {
  const trailers = Object.fromEntries(trailer);
  const message = trailers["grpc-message"];
  return message ? { ...trailers, "grpc-message": encodeURI(decodeURIComponent(message)) } : trailers;
}

function write(res: AnyResponse, bytes: Uint8Array): boolean {
  return (res as ServerResponse).write(bytes);
}
