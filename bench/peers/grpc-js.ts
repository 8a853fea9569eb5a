import {
  type handleBidiStreamingCall,
  type handleServerStreamingCall,
  type handleUnaryCall,
  Metadata,
  Server,
  ServerCredentials,
  type ServerWritableStream,
} from "@grpc/grpc-js";
import { streamAnswers } from "./check-stream.ts";
import { answerFromArguments, ready } from "./peer.ts";

// A peer: grpc-js alone, with handlers that take and give bytes as they are.

const answer = answerFromArguments();
const streamAnswer = streamAnswers(answer);
const watchers = new Set<ServerWritableStream<Buffer, Buffer>>();

const check: handleUnaryCall<Buffer, Buffer> = (_, done) => done(null, answer);

const checkStream: handleBidiStreamingCall<Buffer, Buffer> = (call) => {
  call.on("data", (request: Buffer) => call.write(streamAnswer(request)));
  call.once("end", () => call.end());
};

const watch: handleServerStreamingCall<Buffer, Buffer> = (call) => {
  call.sendMetadata(new Metadata());
  watchers.add(call);
  call.once("cancelled", () => watchers.delete(call));
};

const server = new Server({ "grpc.max_concurrent_streams": 1000 });
server.addService(
  {
    check: method("Check", false, false),
    checkStream: method("CheckStream", true, true),
    watch: method("Watch", false, true),
  },
  { check, checkStream, watch },
);
server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, port) => {
  if (error) throw error;
  ready({ address: `127.0.0.1:${port}` }, ({ message }) => {
    const bytes = Buffer.from(String(message), "base64");
    for (const watcher of watchers) watcher.write(bytes);
    return {};
  });
});

function method(name: string, requestStream: boolean, responseStream: boolean) {
  const path = `/availability.v1.AvailabilityService/${name}`;
  const same = (bytes: Buffer) => bytes;
  const raw = { requestSerialize: same, requestDeserialize: same, responseSerialize: same, responseDeserialize: same };
  return { path, requestStream, responseStream, ...raw };
}
