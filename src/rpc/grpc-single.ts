import type { DescMethod } from "@bufbuild/protobuf";
import type { handleClientStreamingCall, Metadata, ServerErrorResponse } from "@grpc/grpc-js";
import { toConnectError } from "./errors.ts";
import { answersOf, requestOf } from "./grpc-call.ts";
import { type AnyCall, CallContext } from "./grpc-context.ts";
import { grpcStatusOf } from "./grpc-metadata.ts";
import { decoded, only, requestsOf } from "./grpc-requests.ts";
import { type Res, type Serve, settle } from "./guard.ts";

/** A call with one request. */
type SingleCall = AnyCall & { readonly request: unknown };
type StreamingCall = Parameters<handleClientStreamingCall<unknown, unknown>>[0];
type Done = (error: Partial<ServerErrorResponse> | null, message?: unknown, trailer?: Metadata) => void;

/** Serves one call. */
export type Handle = (rpc: SingleCall, done: Done) => void;

/** Methods with one answer: unary, and client streaming. What is answered from memory leaves in the turn in which it came. */
export function singleHandler(method: DescMethod, serve: Serve) {
  const isStream = method.methodKind !== "unary";
  return (rpc: SingleCall | StreamingCall, done: Done): void => {
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
