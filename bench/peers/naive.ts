import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { type handleUnaryCall, Server, ServerCredentials } from "@grpc/grpc-js";
import { Reason, Verdict } from "../../gen/availability/v1/availability_pb.ts";
import {
  type CheckRequest,
  CheckRequestSchema,
  type CheckResponse,
  CheckResponseSchema,
} from "../../gen/availability/v1/availability_service_pb.ts";
import { DEFAULT_APP } from "../../simulator/oauth-apps.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { NaiveClient } from "../../test/chaos/naive-client.ts";
import { ready } from "./peer.ts";

// A peer: the service that is written in an afternoon, one call of RingCentral for each Check (docs/correctness.md).

const [, , origin = ""] = process.argv;
const kind = { pattern: '"acceptCurrentQueueCalls": true' };
const ringCentral = new NaiveClient({ origin, client: { ...DEFAULT_APP, jwt: DEFAULT_APP.jwts[0] } }, systemClock, {
  mended: true,
});

const check: handleUnaryCall<CheckRequest, CheckResponse> = ({ request }, done) => {
  void answer(request).then((response) => done(null, response));
};

async function answer({ destinationId }: CheckRequest): Promise<CheckResponse> {
  const queueId = destinationId.replace(/^queue-/, "");
  const { accepted } = await ringCentral.check({ queueId, kind, moreThan: 0 });
  const verdict = accepted ? Verdict.ACCEPTED : Verdict.REJECTED;
  const reason = accepted ? Reason.CRITERIA_MET : Reason.CRITERIA_NOT_MET;
  return create(CheckResponseSchema, { availability: { destinationId, accepted, verdict, reason } });
}

const server = new Server();
server.addService(
  {
    check: {
      path: "/availability.v1.AvailabilityService/Check",
      requestStream: false,
      responseStream: false,
      requestSerialize: (request: CheckRequest) => Buffer.from(toBinary(CheckRequestSchema, request)),
      requestDeserialize: (bytes: Buffer) => fromBinary(CheckRequestSchema, bytes),
      responseSerialize: (response: CheckResponse) => Buffer.from(toBinary(CheckResponseSchema, response)),
      responseDeserialize: (bytes: Buffer) => fromBinary(CheckResponseSchema, bytes),
    },
  },
  { check },
);
server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, port) => {
  if (error) throw error;
  ready({ address: `127.0.0.1:${port}` });
});
