import type { DescMethod } from "@bufbuild/protobuf";
import { Code, ConnectError, type ContextValues, createContextValues } from "@connectrpc/connect";
import type { Deadline, Metadata } from "@grpc/grpc-js";
import { headersOf, metadataOf } from "./grpc-metadata.ts";

/** What all four kinds of grpc-js calls have in common, and those of the fast lane. */
export interface AnyCall {
  readonly metadata: Metadata;
  /** One header that is no binary one, where reading all of them is dear. */
  header?(name: string): string | undefined;
  readonly cancelled: boolean;
  getDeadline(): Deadline;
  getHost(): string;
  getPath(): string;
  sendMetadata(metadata: Metadata): void;
  on(event: "cancelled", listener: () => void): unknown;
}

// grpc-js ends a call whose deadline passes; its timer and its deadline may differ by this much.
const TIMER_SLACK_MS = 5;
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/**
 * CallContext is what is known of one gRPC call. Headers, signal and values are made when they are first asked for, and
 * the caller is followed from then on: most unary calls ask for none of them, and are answered before anybody could leave.
 *
 * A deadline beyond 2^31 ms (24 days) is cut to 1 ms by grpc-js before anything here runs.
 */
export class CallContext {
  readonly method: DescMethod;
  readonly #call: AnyCall;
  #following = false;
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
    this.method = method;
    this.#call = call;
  }

  /** Notices from here on when the caller leaves, or runs out of time. */
  follow(): void {
    if (this.#following || this.#over) return;
    this.#following = true;
    // grpc-js says "cancelled" after every call, good ones too: only what comes before close() counts.
    this.#call.on("cancelled", () => this.#leave());
    if (this.#call.cancelled) this.#leave();
    // grpc-js speaks of the deadline only once the status is flushed, which a stalled reader can put off for ever.
    const left = this.timeoutMs();
    if (left === undefined || this.gone) return;
    this.#timer = setTimeout(() => this.#leave(), Math.min(Math.max(left, 0), LONGEST_TIMER_MS)).unref();
  }

  get url(): string {
    return `http://${this.#call.getHost()}${this.#call.getPath()}`;
  }

  get signal(): AbortSignal {
    if (!this.#control) {
      this.follow();
      this.#control = new AbortController();
      if (this.gone) this.#control.abort(this.#leftBecause());
    }
    return this.#control.signal;
  }

  get requestHeader(): Headers {
    this.#requestHeader ??= headersOf(this.#call.metadata);
    return this.#requestHeader;
  }

  get values(): ContextValues {
    this.#values ??= createContextValues();
    return this.#values;
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
    const deadline = this.#deadline();
    return Number.isFinite(deadline) ? deadline - Date.now() : undefined;
  }

  /** One request header; binary values are base64 text. */
  readHeader(name: string): string | undefined {
    if (name === "content-type") return "application/grpc";
    if (this.#call.header && !name.endsWith("-bin")) return this.#call.header(name);
    const value = this.#call.metadata.get(name)[0];
    return value === undefined || typeof value === "string" ? value : value.toString("base64");
  }

  /** The call is answered. */
  close(): void {
    this.#over = true;
    this.onGone = undefined;
    clearTimeout(this.#timer);
  }

  #deadline(): number {
    return Number(this.#call.getDeadline());
  }

  #leave(): void {
    if (this.#over || this.gone) return;
    this.gone = true;
    this.#control?.abort(this.#leftBecause());
    this.onGone?.();
  }

  #leftBecause(): ConnectError {
    return Date.now() >= this.#deadline() - TIMER_SLACK_MS
      ? new ConnectError("the operation timed out", Code.DeadlineExceeded)
      : new ConnectError("the client cancelled the call", Code.Canceled);
  }
}
