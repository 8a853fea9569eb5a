import { createServer, type ServerHttp2Stream } from "node:http2";
import { framed, messageReader } from "../frames.ts";
import { streamAnswers } from "./check-stream.ts";
import { answerFromArguments, listen, ready } from "./peer.ts";

// A peer: gRPC by hand on node:http2, with no library between.

const answer = answerFromArguments();
const framedAnswer = framed(answer);
const streamAnswer = streamAnswers(answer);
const HEADERS = { ":status": 200, "content-type": "application/grpc" };
const OK = { "grpc-status": "0" };
const WINDOW = 1 << 20;

const watchers = new Set<ServerHttp2Stream>();
const METHODS: Record<string, (stream: ServerHttp2Stream) => void> = {
  Check: check,
  CheckStream: checkStream,
  Watch: watch,
};

const server = createServer({ settings: { maxConcurrentStreams: 1000, initialWindowSize: WINDOW } });
server.on("session", (session) => session.setLocalWindowSize(WINDOW));
server.on("stream", (stream, { ":path": path = "" }) => {
  stream.on("error", () => {});
  METHODS[path.slice(path.lastIndexOf("/") + 1)]?.(stream);
});
ready({ address: await listen(server) }, ({ message }) => {
  const frame = framed(Buffer.from(String(message), "base64"));
  for (const watcher of watchers) watcher.write(frame);
  return {};
});

function check(stream: ServerHttp2Stream): void {
  stream.resume();
  stream.once("end", () => {
    respond(stream);
    stream.end(framedAnswer);
  });
}

/** What is read at once is answered at once, in one write. */
function checkStream(stream: ServerHttp2Stream): void {
  respond(stream);
  const read = messageReader();
  stream.on("data", (chunk: Buffer) => {
    const answers = read(chunk).map((request) => framed(streamAnswer(request)));
    if (answers.length > 0) stream.write(Buffer.concat(answers));
  });
  stream.once("end", () => stream.end());
}

function watch(stream: ServerHttp2Stream): void {
  stream.resume();
  respond(stream);
  watchers.add(stream);
  stream.once("close", () => watchers.delete(stream));
}

function respond(stream: ServerHttp2Stream): void {
  stream.respond(HEADERS, { waitForTrailers: true });
  stream.once("wantTrailers", () => stream.sendTrailers(OK));
}
