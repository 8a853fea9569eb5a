import { type DescMessage, type DescMethod, type DescService, fromBinary, type Message } from "@bufbuild/protobuf";
import {
  Code,
  ConnectError,
  createServiceImplSpec,
  type Interceptor,
  type MethodImplSpec,
  type ServiceImpl,
  type StreamRequest,
  type UnaryRequest,
} from "@connectrpc/connect";
import type {
  handleClientStreamingCall,
  handleUnaryCall,
  Server,
  ServerDuplexStream,
  ServerWritableStream,
  sendUnaryData,
} from "@grpc/grpc-js";
import { encoderOf } from "./encode.ts";
import { toConnectError } from "./errors.ts";
import { CallContext } from "./grpc-context.ts";
import { grpcStatusOf } from "./grpc-metadata.ts";

type Answers = ServerWritableStream<unknown, unknown> | ServerDuplexStream<unknown, unknown>;
type Invoke = ReturnType<Interceptor>;

/** Binds a service implementation written for Connect, and the guards around it, to a grpc-js server. */
export function bindService<Desc extends DescService>(
  server: Pick<Server, "addService">,
  service: Desc,
  implementation: Partial<ServiceImpl<Desc>>,
  guards: readonly Interceptor[],
): void {
  const spec = createServiceImplSpec(service, implementation);
  const bound = service.methods.map((method) => bindMethod(method, spec.methods[method.localName]!, guards));
  server.addService(
    Object.fromEntries(bound.map(({ definition, name }) => [name, definition])),
    Object.fromEntries(bound.map(({ handler, name }) => [name, handler])),
  );
}

function bindMethod(method: DescMethod, spec: MethodImplSpec, guards: readonly Interceptor[]) {
  const requestStream = method.methodKind === "client_streaming" || method.methodKind === "bidi_streaming";
  const responseStream = method.methodKind === "server_streaming" || method.methodKind === "bidi_streaming";
  const serve = guards.reduceRight((next, guard) => guard(next), core(spec));
  return {
    name: method.name,
    definition: {
      path: `/${method.parent.typeName}/${method.name}`,
      requestStream,
      responseStream,
      requestDeserialize: decoderOf(method.input),
      responseSerialize: encoderOf(method.output),
      // A server neither sends requests nor reads answers.
      requestSerialize: never,
      responseDeserialize: never,
    },
    handler: responseStream ? streamHandler(method, serve) : singleHandler(method, serve),
  };
}

/** The handler as the innermost link of the guards. */
function core(spec: MethodImplSpec): Invoke {
  return async (req) => {
    const context = CallContext.of(req);
    const message = await call(spec, req, context);
    return {
      stream: req.stream,
      service: req.service,
      method: req.method,
      message,
      get header() {
        return context.responseHeader;
      },
      get trailer() {
        return context.responseTrailer;
      },
    } as Awaited<ReturnType<Invoke>>;
  };
}

async function call(spec: MethodImplSpec, req: UnaryRequest | StreamRequest, context: CallContext) {
  const handler = context.handler(req);
  const messages = req.message as AsyncIterable<Message>;
  switch (spec.kind) {
    case "unary":
      return spec.impl(req.message as Message, handler);
    case "server_streaming":
      return spec.impl(await only(messages), handler);
    case "client_streaming":
      return once(await spec.impl(messages, handler));
    case "bidi_streaming":
      return spec.impl(messages, handler);
  }
}

/** Methods with one answer: unary, and client streaming. */
function singleHandler(method: DescMethod, serve: Invoke) {
  const handler = async (
    rpc: Parameters<handleUnaryCall<unknown, unknown>>[0] | Parameters<handleClientStreamingCall<unknown, unknown>>[0],
    done: sendUnaryData<unknown>,
  ) => {
    const context = new CallContext(method, rpc);
    try {
      const unary = method.methodKind === "unary";
      const input = "request" in rpc ? decoded(rpc.request) : requestsOf(rpc);
      const res = await serve(context.request(input, !unary));
      const message = res.stream ? await only(res.message) : res.message;
      context.sendHeader();
      done(null, message, context.trailerMetadata());
    } catch (error) {
      context.sendHeader();
      done(grpcStatusOf(toConnectError(error), context.trailer));
    } finally {
      context.close();
    }
  };
  return handler;
}

/** Methods with a stream of answers: server streaming, and bidirectional. */
function streamHandler(method: DescMethod, serve: Invoke) {
  return async (rpc: Answers) => {
    const context = new CallContext(method, rpc);
    try {
      const input = "request" in rpc ? once(rpc.request) : requestsOf(rpc);
      const res = await serve(context.request(input, true));
      if (!context.gone) await writeAll(rpc, res.message as AsyncIterable<unknown>, context);
      // Headers nobody sent yet belong to an answer without messages.
      context.sendHeader();
      if (!context.gone) rpc.end(context.trailerMetadata());
    } catch (error) {
      context.sendHeader();
      if (!context.gone) rpc.emit("error", grpcStatusOf(toConnectError(error), context.trailer));
    } finally {
      context.close();
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

async function* requestsOf(rpc: AsyncIterable<unknown> & { iterator?: unknown }): AsyncIterable<Message> {
  // Without the option, a handler that stops reading would end its answers too.
  const messages = (rpc as unknown as NodeJS.ReadableStream & Iterating).iterator({ destroyOnReturn: false });
  for await (const message of messages) yield decoded(message);
}

type Iterating = { iterator(options: { destroyOnReturn: boolean }): AsyncIterable<unknown> };

async function* once(message: unknown): AsyncIterable<Message> {
  yield decoded(message);
}

async function only<T>(messages: AsyncIterable<T>): Promise<T> {
  for await (const message of messages) return message;
  throw new ConnectError("protocol error: missing message", Code.Unimplemented);
}

/** Undecodable holds a request that is none, on its way from grpc-js, which would call it INTERNAL, to the guards. */
class Undecodable {}

function decoderOf(schema: DescMessage): (bytes: Buffer) => unknown {
  return (bytes) => {
    try {
      return fromBinary(schema, bytes);
    } catch {
      return new Undecodable();
    }
  };
}

function decoded(message: unknown): Message {
  if (!(message instanceof Undecodable)) return message as Message;
  throw new ConnectError("Cannot decode the request: it is not the message of this method", Code.InvalidArgument);
}

function never(): never {
  throw new Error("Cannot be called on a server");
}
