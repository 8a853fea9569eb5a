import type { IncomingHttpHeaders, ServerHttp2Stream } from "node:http2";
import type { Server } from "@grpc/grpc-js";
import { LaneCall, type LaneMethod, type TakeOver } from "./grpc-lane-call.ts";

/** What of Node's HTTP/2 server the lane needs. */
interface Streams {
  listeners(event: "stream"): unknown[];
  removeAllListeners(event: "stream"): unknown;
  on(
    event: "stream",
    listener: (stream: ServerHttp2Stream, headers: IncomingHttpHeaders, ...rest: unknown[]) => void,
  ): unknown;
}

/**
 * Lays a fast lane into a grpc-js server that is bound: calls of `methods`, unary ones, are read from and written to Node's
 * HTTP/2 directly. grpc-js spends twice as long on a call as everything else together. Whatever is out of the ordinary
 * (compression, several messages, a message in pieces, an odd header) is left to grpc-js, as is every other method, every
 * session and its end.
 *
 * grpc-js has no door for this: false, and nothing changed, when its inside is not as in the version that is pinned.
 */
export function layLane(server: Server, methods: ReadonlyMap<string, LaneMethod>): boolean {
  const { http2Servers } = server as unknown as { http2Servers?: unknown };
  const bound: unknown[] = http2Servers instanceof Map ? [...http2Servers.keys()] : [];
  const inside = bound.filter((http2): http2 is Streams => hasOneListener(http2));
  if (inside.length === 0 || inside.length < bound.length) return false;
  for (const http2 of inside) {
    const [ordinary] = http2.listeners("stream") as ((...args: unknown[]) => void)[];
    http2.removeAllListeners("stream");
    http2.on("stream", (stream, headers, ...rest) => {
      const method = methods.get(headers[":path"] ?? "");
      if (!method || !isPlain(headers)) {
        ordinary!.call(http2, stream, headers, ...rest);
        return;
      }
      const takeOver: TakeOver = () => ordinary!.call(http2, stream, headers, ...rest);
      new LaneCall(stream, headers, { method, takeOver }).begin();
    });
  }
  return true;
}

function hasOneListener(http2: unknown): boolean {
  return (
    typeof (http2 as Partial<Streams>).listeners === "function" && (http2 as Streams).listeners("stream").length === 1
  );
}

const TIMEOUT = /^\d{1,8}[HMSmun]$/;

function isPlain(headers: IncomingHttpHeaders): boolean {
  const type = headers["content-type"];
  const encoding = headers["grpc-encoding"];
  const timeout = headers["grpc-timeout"];
  return (
    (type === "application/grpc" || type === "application/grpc+proto") &&
    headers[":method"] === "POST" &&
    (encoding === undefined || encoding === "identity") &&
    (timeout === undefined || (typeof timeout === "string" && TIMEOUT.test(timeout)))
  );
}
