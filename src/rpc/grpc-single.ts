import type { DescMethod } from "@bufbuild/protobuf";
import type { handleClientStreamingCall, handleUnaryCall, sendUnaryData } from "@grpc/grpc-js";
import { toConnectError } from "./errors.ts";
import { answersOf, requestOf } from "./grpc-call.ts";
import { CallContext } from "./grpc-context.ts";
import { grpcStatusOf } from "./grpc-metadata.ts";
import { decoded, only, requestsOf } from "./grpc-requests.ts";
import { type Res, type Serve, settle } from "./guard.ts";

type Call =
  | Parameters<handleUnaryCall<unknown, unknown>>[0]
  | Parameters<handleClientStreamingCall<unknown, unknown>>[0];

/** Methods with one answer: unary, and client streaming. What is answered from memory leaves in the turn in which it came. */
export function singleHandler(method: DescMethod, serve: Serve) {
  const isStream = method.methodKind !== "unary";
  return (rpc: Call, done: sendUnaryData<unknown>): void => {
    const context = new CallContext(method, rpc);
    const answer = (message: unknown) => {
      context.sendHeader();
      done(null, message, context.trailerMetadata());
      context.close();
    };
    const fail = (error: unknown) => {
      context.sendHeader();
      done(grpcStatusOf(toConnectError(error), context.trailer));
      context.close();
    };
    const answered = (res: Res) => {
      if (res.stream) only(answersOf(res)).then(answer, fail);
      else answer(res.message);
    };
    const serving = settle(
      () => serve(requestOf(context, "request" in rpc ? decoded(rpc.request) : requestsOf(rpc), isStream)),
      answered,
      fail,
    );
    // Who has to wait may leave meanwhile.
    if (serving instanceof Promise) context.follow();
  };
}
