import type { DescMethod, DescService } from "@bufbuild/protobuf";
import type { ContextValues, HandlerContext, StreamRequest, StreamResponse, UnaryRequest } from "@connectrpc/connect";
import type { CallContext } from "./grpc-context.ts";
import { type Req, type Res, remake } from "./guard.ts";
import { readHeader } from "./guard-trace.ts";

// A gRPC call as guards and handlers see it.

class CallRequest {
  readonly stream: boolean;
  readonly message: unknown;
  readonly context: CallContext;
  /** A guard's, instead of the call's own. */
  readonly #signal: (() => AbortSignal) | undefined;

  constructor(context: CallContext, message: unknown, stream: boolean, signal?: () => AbortSignal) {
    this.stream = stream;
    this.message = message;
    this.context = context;
    this.#signal = signal;
  }

  get method(): DescMethod {
    return this.context.method;
  }

  get service(): DescService {
    return this.method.parent;
  }

  get requestMethod(): string {
    return "POST";
  }

  get url(): string {
    return this.context.url;
  }

  get signal(): AbortSignal {
    return this.#signal?.() ?? this.context.signal;
  }

  get header(): Headers {
    return this.context.requestHeader;
  }

  get contextValues(): ContextValues {
    return this.context.values;
  }

  [readHeader](name: string): string | undefined {
    return this.context.readHeader(name);
  }

  [remake]({ message, signal = this.#signal }: { message: unknown; signal?: (() => AbortSignal) | undefined }) {
    return new CallRequest(this.context, message, this.stream, signal);
  }
}

/** The request as interceptors take it. */
export function requestOf(context: CallContext, message: unknown, stream: boolean): UnaryRequest | StreamRequest {
  return new CallRequest(context, message, stream) as unknown as UnaryRequest | StreamRequest;
}

/** The context of the call that a request belongs to, whatever the guards changed in it. */
export function contextOf(req: Req): CallContext {
  return (req as unknown as CallRequest).context;
}

class CallResponse {
  readonly stream: boolean;
  readonly message: unknown;
  readonly #context: CallContext;

  constructor(context: CallContext, message: unknown, stream: boolean) {
    this.stream = stream;
    this.message = message;
    this.#context = context;
  }

  get method(): DescMethod {
    return this.#context.method;
  }

  get service(): DescService {
    return this.method.parent;
  }

  get header(): Headers {
    return this.#context.responseHeader;
  }

  get trailer(): Headers {
    return this.#context.responseTrailer;
  }

  [remake]({ message }: { message: unknown }) {
    return new CallResponse(this.#context, message, this.stream);
  }
}

/** What a handler answered, as interceptors take it. */
export function responseOf(context: CallContext, message: unknown, stream: boolean): Res {
  return new CallResponse(context, message, stream) as unknown as Res;
}

/** The answers of a stream. */
export function answersOf(res: Res): AsyncIterable<unknown> {
  return (res as StreamResponse).message;
}

/** What a handler gets for a request as the guards left it. */
export class CallHandlerContext implements HandlerContext {
  readonly protocolName = "grpc";
  readonly requestMethod = "POST";
  readonly #req: Req;
  readonly #context: CallContext;

  constructor(req: Req, context: CallContext) {
    this.#req = req;
    this.#context = context;
  }

  get method(): DescMethod {
    return this.#context.method;
  }

  get service(): DescService {
    return this.#context.method.parent;
  }

  get url(): string {
    return this.#req.url;
  }

  get signal(): AbortSignal {
    return this.#req.signal;
  }

  get requestHeader(): Headers {
    return this.#req.header;
  }

  get values(): ContextValues {
    return this.#req.contextValues;
  }

  get responseHeader(): Headers {
    return this.#context.responseHeader;
  }

  get responseTrailer(): Headers {
    return this.#context.responseTrailer;
  }

  timeoutMs(): number | undefined {
    return this.#context.timeoutMs();
  }
}
