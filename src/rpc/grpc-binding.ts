import type { DescMethod, DescService, Message } from "@bufbuild/protobuf";
import { createServiceImplSpec, type Interceptor, type MethodImplSpec, type ServiceImpl } from "@connectrpc/connect";
import type { Server } from "@grpc/grpc-js";
import { encoderOf } from "./encode.ts";
import { FanOut } from "./fan-out.ts";
import { CallHandlerContext, contextOf, responseOf } from "./grpc-call.ts";
import type { LaneMethod } from "./grpc-lane-call.ts";
import { decoderOf, once, only } from "./grpc-requests.ts";
import { type Handle, singleHandler } from "./grpc-single.ts";
import { streamHandler } from "./grpc-stream.ts";
import { type Req, type Serve, within } from "./guard.ts";

/**
 * Binds a service implementation written for Connect, and the guards around it, to a grpc-js server. Returns its unary
 * methods by their paths.
 */
export function bindService<Desc extends DescService>(
  server: Pick<Server, "addService">,
  service: Desc,
  implementation: Partial<ServiceImpl<Desc>>,
  guards: readonly Interceptor[],
): ReadonlyMap<string, LaneMethod> {
  const spec = createServiceImplSpec(service, implementation);
  const fanOut = new FanOut();
  const bound = service.methods.map((method) => {
    const serve = within(guards, handlerOf(spec.methods[method.localName]!));
    return bindMethod(method, serve, fanOut);
  });
  server.addService(
    Object.fromEntries(bound.map(({ definition, name }) => [name, definition])),
    Object.fromEntries(bound.map(({ handler, name }) => [name, handler])),
  );
  const unary = bound.filter(({ definition }) => !definition.requestStream && !definition.responseStream);
  return new Map(
    unary.map(({ handler, definition }) => {
      const { path, requestDeserialize: deserialize, responseSerialize: serialize } = definition;
      return [path, { handle: handler as Handle, deserialize, serialize }];
    }),
  );
}

function bindMethod(method: DescMethod, serve: Serve, fanOut: FanOut) {
  const requestStream = method.methodKind === "client_streaming" || method.methodKind === "bidi_streaming";
  const responseStream = method.methodKind === "server_streaming" || method.methodKind === "bidi_streaming";
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
    handler: responseStream ? streamHandler(method, serve, fanOut) : singleHandler(method, serve),
  };
}

/** The handler as the innermost link of the guards. */
function handlerOf(spec: MethodImplSpec): Serve {
  return (req) => {
    const context = contextOf(req);
    const answer = call(spec, req, new CallHandlerContext(req, context));
    if (!(answer instanceof Promise)) return responseOf(context, answer, req.stream);
    return answer.then((message) => responseOf(context, message, req.stream));
  };
}

function call(spec: MethodImplSpec, req: Req, context: CallHandlerContext): unknown {
  const messages = req.message as AsyncIterable<Message>;
  switch (spec.kind) {
    case "unary":
      return spec.impl(req.message as Message, context);
    case "server_streaming":
      return only(messages).then((message) => spec.impl(message, context));
    case "client_streaming":
      return Promise.resolve(spec.impl(messages, context)).then(once);
    case "bidi_streaming":
      return spec.impl(messages, context);
  }
}

function never(): never {
  throw new Error("Cannot be called on a server");
}
