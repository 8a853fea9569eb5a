import type { DescMethod } from "@bufbuild/protobuf";
import {
  Code,
  ConnectError,
  type ContextValues,
  createContextValues,
  type HandlerContext,
  type StreamRequest,
  type UnaryRequest,
} from "@connectrpc/connect";
import type { Deadline, Metadata } from "@grpc/grpc-js";
import { headersOf, metadataOf } from "./grpc-metadata.ts";
import { readHeader } from "./guard-trace.ts";

/** What all four kinds of grpc-js calls have in common. */
export interface AnyCall {
  readonly metadata: Metadata;
  getDeadline(): Deadline;
  getHost(): string;
  getPath(): string;
  sendMetadata(metadata: Metadata): void;
  on(event: "cancelled", listener: () => void): unknown;
}

// grpc-js ends a call whose deadline passes; its timer and its deadline may differ by this much.
const TIMER_SLACK_MS = 5;
const LONGEST_TIMER_MS = 2 ** 31 - 1;

const callContext = Symbol("context of a gRPC call");

/**
 * CallContext is what guards and handlers see of one gRPC call. Headers, signal and values are made when they are first
 * asked for: most unary calls ask for none of them.
 *
 * A deadline beyond 2^31 ms (24 days) is cut to 1 ms by grpc-js before anything here runs.
 */
export class CallContext {
  readonly #method: DescMethod;
  readonly #call: AnyCall;
  readonly #deadline: number;
  #control: AbortController | undefined;
  #timer: NodeJS.Timeout | undefined;
  #requestHeader: Headers | undefined;
  #responseHeader: Headers | undefined;
  #responseTrailer: Headers | undefined;
  #values: ContextValues | undefined;
  #over = false;
  /** The client is gone, or its deadline has passed: nobody reads what is written. */
  gone = false;
  /** Called when that happens. */
  onGone: (() => void) | undefined;

  constructor(method: DescMethod, call: AnyCall) {
    this.#method = method;
    this.#call = call;
    this.#deadline = Number(call.getDeadline());
    // grpc-js says "cancelled" after every call, good ones too: only what comes before close() counts.
    call.on("cancelled", () => this.#leave());
  }

  /** The context that a request was made by, whatever the guards changed in it. */
  static of(req: UnaryRequest | StreamRequest): CallContext {
    return (req as unknown as { [callContext]: CallContext })[callContext];
  }

  /** The request as interceptors take it; its fields survive being spread into another object. */
  request(message: unknown, stream: boolean): UnaryRequest | StreamRequest {
    const context = this;
    return {
      stream,
      message,
      service: this.#method.parent,
      method: this.#method,
      requestMethod: "POST",
      url: `http://${this.#call.getHost()}${this.#call.getPath()}`,
      get signal() {
        return context.#signal();
      },
      get header() {
        context.#requestHeader ??= headersOf(context.#call.metadata);
        return context.#requestHeader;
      },
      get contextValues() {
        context.#values ??= createContextValues();
        return context.#values;
      },
      [callContext]: this,
      [readHeader]: (name: string) => context.#readHeader(name),
    } as unknown as UnaryRequest | StreamRequest;
  }

  /** What the handler gets for the request as the guards left it. */
  handler(req: UnaryRequest | StreamRequest): HandlerContext {
    const context = this;
    return {
      method: this.#method,
      service: this.#method.parent,
      requestMethod: "POST",
      protocolName: "grpc",
      url: req.url,
      timeoutMs: () => context.timeoutMs(),
      get signal() {
        return req.signal;
      },
      get requestHeader() {
        return req.header;
      },
      get values() {
        return req.contextValues;
      },
      get responseHeader() {
        return context.responseHeader;
      },
      get responseTrailer() {
        return context.responseTrailer;
      },
    };
  }

  get responseHeader(): Headers {
    this.#responseHeader ??= new Headers();
    return this.#responseHeader;
  }

  get responseTrailer(): Headers {
    this.#responseTrailer ??= new Headers();
    return this.#responseTrailer;
  }

  /** Trailers, if a handler set any. */
  get trailer(): Headers | undefined {
    return this.#responseTrailer;
  }

  trailerMetadata(): Metadata | undefined {
    return this.#responseTrailer && metadataOf(this.#responseTrailer);
  }

  /** Sends the headers that were set, if any; grpc-js sends them by itself with the first message otherwise. */
  sendHeader(): void {
    if (this.#responseHeader && !this.gone) this.#call.sendMetadata(metadataOf(this.#responseHeader));
    this.#responseHeader = undefined;
  }

  /** Remaining time in milliseconds, if the caller set a deadline. */
  timeoutMs(): number | undefined {
    return Number.isFinite(this.#deadline) ? this.#deadline - Date.now() : undefined;
  }

  /** The call is answered. */
  close(): void {
    this.#over = true;
    clearTimeout(this.#timer);
  }

  #leave(): void {
    if (this.#over || this.gone) return;
    this.gone = true;
    this.#control?.abort(this.#leftBecause());
    this.onGone?.();
  }

  #leftBecause(): ConnectError {
    return Date.now() >= this.#deadline - TIMER_SLACK_MS
      ? new ConnectError("the operation timed out", Code.DeadlineExceeded)
      : new ConnectError("the client cancelled the call", Code.Canceled);
  }

  #signal(): AbortSignal {
    if (!this.#control) {
      this.#control = new AbortController();
      if (this.gone) this.#control.abort(this.#leftBecause());
      // grpc-js speaks of the deadline only once the status is flushed, which a stalled reader can put off for ever.
      const left = this.timeoutMs();
      if (left !== undefined && !this.gone && !this.#over) {
        this.#timer = setTimeout(() => this.#leave(), Math.min(Math.max(left, 0), LONGEST_TIMER_MS)).unref();
      }
    }
    return this.#control.signal;
  }

  #readHeader(name: string): string | undefined {
    if (name === "content-type") return "application/grpc";
    const value = this.#call.metadata.get(name)[0];
    return value === undefined || typeof value === "string" ? value : value.toString("base64");
  }
}
