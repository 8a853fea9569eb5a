import { createServer as createHttp1 } from "node:http";
import { createServer as createHttp2 } from "node:http2";
import { fromBinary } from "@bufbuild/protobuf";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { AvailabilityService, CheckResponseSchema } from "../../gen/availability/v1/availability_service_pb.ts";
import { answerFromArguments, listen, ready } from "./peer.ts";

// A peer: connect-node alone, with typed handlers, over h2c and over HTTP/1.1.

const answer = fromBinary(CheckResponseSchema, answerFromArguments());
const adapter = connectNodeAdapter({
  routes: (router) => router.service(AvailabilityService, { check: () => answer }),
});

ready({ address: await listen(createHttp2(adapter)), http1: await listen(createHttp1(adapter)) });
