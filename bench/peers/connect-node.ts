import { createServer as createHttp1 } from "node:http";
import { createServer as createHttp2 } from "node:http2";
import { create, fromBinary } from "@bufbuild/protobuf";
import type { HandlerContext } from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import {
  AvailabilityService,
  CheckResponseSchema,
  type CheckStreamRequest,
  CheckStreamResponseSchema,
  type WatchResponse,
  WatchResponseSchema,
} from "../../gen/availability/v1/availability_service_pb.ts";
import { answerFromArguments, listen, ready } from "./peer.ts";

// A peer: connect-node alone, with typed handlers, over h2c and over HTTP/1.1.

const answer = fromBinary(CheckResponseSchema, answerFromArguments());
const watchers = new Set<(message: WatchResponse) => void>();

async function* checkStream(requests: AsyncIterable<CheckStreamRequest>) {
  for await (const { requestId } of requests) {
    yield create(CheckStreamResponseSchema, { requestId, outcome: { case: "response", value: answer } });
  }
}

/** Sends the newest of what is told, beginning with something, as headers go out with the first message only. */
async function* watch(_: unknown, { signal }: HandlerContext) {
  yield create(WatchResponseSchema, { event: { case: "heartbeat", value: {} } });
  let told = Promise.withResolvers<WatchResponse>();
  const tell = (message: WatchResponse) => told.resolve(message);
  watchers.add(tell);
  signal.addEventListener("abort", () => {
    watchers.delete(tell);
    told.reject(signal.reason);
  });
  for (;;) {
    const message = await told.promise;
    told = Promise.withResolvers();
    yield message;
  }
}

const adapter = connectNodeAdapter({
  routes: (router) => router.service(AvailabilityService, { check: () => answer, checkStream, watch }),
});
const http2 = createHttp2({ settings: { maxConcurrentStreams: 1000 } }, adapter);

ready({ address: await listen(http2), http1: await listen(createHttp1(adapter)) }, ({ message }) => {
  const response = fromBinary(WatchResponseSchema, Buffer.from(String(message), "base64"));
  for (const tell of watchers) tell(response);
  return {};
});
