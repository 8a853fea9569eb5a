import { type handleUnaryCall, Server, ServerCredentials } from "@grpc/grpc-js";
import { answerFromArguments, ready } from "./peer.ts";

// A peer: grpc-js alone, with handlers that take and give bytes as they are.

const answer = answerFromArguments();
const same = (bytes: Buffer) => bytes;
const raw = {
  requestSerialize: same,
  requestDeserialize: same,
  responseSerialize: same,
  responseDeserialize: same,
};
const path = (name: string) => `/availability.v1.AvailabilityService/${name}`;

const check: handleUnaryCall<Buffer, Buffer> = (_, done) => done(null, answer);

const server = new Server();
server.addService({ check: { path: path("Check"), requestStream: false, responseStream: false, ...raw } }, { check });
server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, port) => {
  if (error) throw error;
  ready({ address: `127.0.0.1:${port}` });
});
