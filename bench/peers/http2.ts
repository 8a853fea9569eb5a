import { createServer, type ServerHttp2Stream } from "node:http2";
import { framed } from "../frames.ts";
import { answerFromArguments, listen, ready } from "./peer.ts";

// A peer: gRPC by hand on node:http2, with no library between.

const answer = framed(answerFromArguments());
const HEADERS = { ":status": 200, "content-type": "application/grpc" };
const OK = { "grpc-status": "0" };

const server = createServer();
server.on("stream", (stream) => {
  stream.on("error", () => {});
  unary(stream);
});
ready({ address: await listen(server) });

function unary(stream: ServerHttp2Stream): void {
  stream.resume();
  stream.once("end", () => {
    respond(stream);
    stream.end(answer);
  });
}

function respond(stream: ServerHttp2Stream): void {
  stream.respond(HEADERS, { waitForTrailers: true });
  stream.once("wantTrailers", () => stream.sendTrailers(OK));
}
