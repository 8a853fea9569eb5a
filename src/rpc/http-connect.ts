import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import { constants, type Http2ServerRequest } from "node:http2";
import type { DescService } from "@bufbuild/protobuf";
import { createConnectRouter, type Interceptor } from "@connectrpc/connect";
import type { UniversalHandler, UniversalServerRequest, UniversalServerResponse } from "@connectrpc/connect/protocol";
import { compressionGzip, universalRequestFromNodeRequest } from "@connectrpc/connect-node";
import { log } from "../telemetry/log.ts";
import { type AnyResponse, writeAnswer, writeWhole } from "./http-answer.ts";
import { blameCaller, contextForNote, noteRead } from "./http-unreadable.ts";
import { MAX_REQUEST_BYTES, type Routes } from "./listener.ts";
import { addReflection } from "./reflection.ts";

export type AnyRequest = IncomingMessage | Http2ServerRequest;

/** Serves a call if the request is one; false = it is not for this handler. */
export type CallHandler = (req: AnyRequest, res: AnyResponse) => boolean;

/** The path of a request without its query. */
export function pathOf(req: AnyRequest): string {
  return req.url?.split("?", 1)[0] ?? "";
}

/** Serves Connect, gRPC-Web and gRPC from Node's own HTTP servers. */
export function connectHandler(routes: Routes, guards: Interceptor[]): CallHandler {
  // Brotli at its default quality takes 60 times as long as gzip for our sizes.
  const router = createConnectRouter({
    interceptors: [noteRead, ...guards],
    acceptCompression: [compressionGzip],
    // People write JSON by hand: a misspelt field is an error, not a default.
    jsonOptions: { ignoreUnknownFields: false },
    readMaxBytes: MAX_REQUEST_BYTES,
  });
  const services: DescService[] = [];
  routes({
    service(service, implementation, options) {
      services.push(service);
      return router.service(service, implementation, options);
    },
  });
  addReflection(router, services);
  const handlers = new Map(router.handlers.map((handler) => [handler.requestPath, handler]));
  return (req, res) => {
    const handler = handlers.get(pathOf(req));
    if (!handler) return false;
    serve(handler, req, res).catch((error) => {
      log.debug({ err: error }, "answer could not be written");
      breakOff(res);
    });
    return true;
  };
}

async function serve(handler: UniversalHandler, req: AnyRequest, res: AnyResponse): Promise<void> {
  const request = toUniversal(req, res);
  if (!request) {
    (res as import("node:http").ServerResponse).writeHead(400).end();
    return;
  }
  const answer = blameCaller(request, await handler(request));
  tellEncodings(req.headers, answer);
  await (handler.method.methodKind === "unary" ? writeWhole(answer, res) : writeAnswer(answer, res));
}

// Each protocol's header for how a request is compressed, and for how it may be.
const ENCODINGS: readonly (readonly [given: string, accepted: string])[] = [
  ["content-encoding", "accept-encoding"],
  ["connect-content-encoding", "connect-accept-encoding"],
  ["grpc-encoding", "grpc-accept-encoding"],
];

/** Tells who compressed a request in another way which one is understood; Connect says so in the error's text alone. */
function tellEncodings(request: IncomingHttpHeaders, answer: UniversalServerResponse): void {
  for (const [given, accepted] of ENCODINGS) {
    const encoding = request[given];
    if (encoding && encoding !== "identity" && encoding !== compressionGzip.name) {
      answer.header?.set(accepted, compressionGzip.name);
    }
  }
}

/** Undefined for a request that has no usable authority or path. */
function toUniversal(req: AnyRequest, res: AnyResponse): UniversalServerRequest | undefined {
  try {
    const request = universalRequestFromNodeRequest(req, res, undefined, contextForNote());
    for (const name of ["connect-timeout-ms", "grpc-timeout"])
      if (req.headers[name]) clampTimeout(request.header, name);
    return request;
  } catch {
    return undefined;
  }
}

const UNIT_MS: Record<string, number> = { H: 3_600_000, M: 60_000, S: 1000, m: 1, u: 0.001, n: 0.000001 };
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** A timer cannot wait longer than 24 days and fires at once when asked to: such deadlines count as 24 days. */
function clampTimeout(header: Headers, name: string): void {
  const value = header.get(name);
  if (!value) return;
  const [, digits, unit] = /^(\d{1,10})([HMSmun]?)$/.exec(value) ?? [];
  if (!digits || Number(digits) * UNIT_MS[unit || "m"]! <= LONGEST_TIMER_MS) return;
  header.set(name, name === "grpc-timeout" ? "596H" : String(LONGEST_TIMER_MS));
}

/** Ends a response that cannot be finished so that the client sees it was cut. */
function breakOff(res: AnyResponse): void {
  if ("stream" in res) res.stream?.close(constants.NGHTTP2_INTERNAL_ERROR);
  else res.destroy();
}
