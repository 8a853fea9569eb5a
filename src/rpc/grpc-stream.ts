import type { DescMethod } from "@bufbuild/protobuf";
import type { ServerDuplexStream, ServerWritableStream } from "@grpc/grpc-js";
import { toConnectError } from "./errors.ts";
import type { FanOut } from "./fan-out.ts";
import { answersOf, requestOf } from "./grpc-call.ts";
import { CallContext } from "./grpc-context.ts";
import { drivable, driveStream } from "./grpc-driver.ts";
import { grpcStatusOf } from "./grpc-metadata.ts";
import { once, requestsOf } from "./grpc-requests.ts";
import type { Serve } from "./guard.ts";
import { unguarded } from "./guard-stream.ts";

export type Answers = ServerWritableStream<unknown, unknown> | ServerDuplexStream<unknown, unknown>;

/** Methods with a stream of answers: server streaming, and bidirectional. */
export function streamHandler(method: DescMethod, serve: Serve, fanOut: FanOut) {
  const pace = method.methodKind === "bidi_streaming" ? "stream" : fanOut;
  return async (rpc: Answers) => {
    const context = new CallContext(method, rpc);
    context.follow();
    let driven = false;
    try {
      const input = "request" in rpc ? once(rpc.request) : requestsOf(rpc);
      const answers = answersOf(await serve(requestOf(context, input, true)));
      const { source, guards } = unguarded(answers);
      const direct = drivable(source);
      if (direct) {
        driven = true;
        return driveStream(rpc, { source: direct, guards }, { context, pace });
      }
      if (!context.gone) await writeAll(rpc, answers, context);
      // Headers nobody sent yet belong to an answer without messages.
      context.sendHeader();
      if (!context.gone) rpc.end(context.trailerMetadata());
    } catch (error) {
      context.sendHeader();
      if (!context.gone) rpc.emit("error", grpcStatusOf(toConnectError(error), context.trailer));
    } finally {
      // One that is driven lasts, and closes by itself.
      if (!driven) context.close();
    }
  };
}

async function writeAll(rpc: Answers, answers: AsyncIterable<unknown>, context: CallContext): Promise<void> {
  for await (const answer of answers) {
    // Leaving the loop runs the handler's `finally`.
    if (context.gone) break;
    context.sendHeader();
    if (!rpc.write(answer) && rpc.writableNeedDrain) await drained(rpc, context);
  }
}

/** Waits until the call takes more, or nobody reads it any more; leaves no listener behind. */
function drained(rpc: Answers, context: CallContext): Promise<void> {
  return new Promise((resolve) => {
    const finish = () => {
      rpc.off("drain", finish);
      context.onGone = undefined;
      resolve();
    };
    rpc.on("drain", finish);
    context.onGone = finish;
  });
}
