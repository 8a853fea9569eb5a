import type { IncomingHttpHeaders, OutgoingHttpHeaders, ServerHttp2Stream } from "node:http2";
import { Metadata, type ServerErrorResponse, status } from "@grpc/grpc-js";
import type { AnyCall } from "./grpc-context.ts";
import type { Handle } from "./grpc-single.ts";

/** A unary method as the lane serves it. */
export interface LaneMethod {
  readonly handle: Handle;
  readonly deserialize: (bytes: Buffer) => unknown;
  readonly serialize: (message: never) => Buffer;
}

/** Hands the call to grpc-js. */
export type TakeOver = () => void;

// As grpc-js sends them.
const HEADERS = {
  ":status": 200,
  "content-type": "application/grpc+proto",
  "grpc-accept-encoding": "identity,deflate,gzip",
  "grpc-encoding": "identity",
} as const;
const TRAILERS_ONLY = { ":status": HEADERS[":status"], "content-type": HEADERS["content-type"] };
const OK = { "grpc-status": "0", "grpc-message": "OK" };
const WANT_TRAILERS = { waitForTrailers: true };
/** Before a message: whether it is compressed, and its length. */
const PREFIX_BYTES = 5;

const UNIT_MS: Record<string, number> = { H: 3_600_000, M: 60_000, S: 1000, m: 1, u: 0.001, n: 0.000001 };
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** A message that is sent again and again is framed once. */
const frames = new WeakMap<Buffer, Buffer>();

/** LaneCall is one unary call that is read from and written to its HTTP/2 stream directly. */
export class LaneCall implements AnyCall {
  readonly #stream: ServerHttp2Stream;
  readonly #headers: IncomingHttpHeaders;
  readonly #method: LaneMethod;
  readonly #takeOver: TakeOver;
  /** The one message, and what is before it. */
  #body: Buffer | undefined;
  #deadline: number | undefined;
  #timer: NodeJS.Timeout | undefined;
  #initial: OutgoingHttpHeaders | undefined;
  #request: unknown;
  #answered = false;

  constructor(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, to: { method: LaneMethod; takeOver: TakeOver }) {
    this.#stream = stream;
    this.#headers = headers;
    this.#method = to.method;
    this.#takeOver = to.takeOver;
  }

  begin(): void {
    // What breaks off is closed as well, and who still waits for an answer looks for that.
    this.#stream.on("error", ignore);
    this.#stream.on("data", this.#onData);
    this.#stream.on("end", this.#onEnd);
  }

  get request(): unknown {
    return this.#request;
  }

  get metadata(): Metadata {
    return Metadata.fromHttp2Headers(this.#headers);
  }

  get cancelled(): boolean {
    return !this.#answered && (this.#stream.destroyed || this.#stream.closed);
  }

  header(name: string): string | undefined {
    const value = this.#headers[name];
    return Array.isArray(value) ? value[0] : value;
  }

  getDeadline(): number {
    this.#deadline ??= deadlineOf(this.#headers["grpc-timeout"]);
    return this.#deadline;
  }

  getHost(): string {
    return this.#headers[":authority"] ?? this.#headers.host ?? "";
  }

  getPath(): string {
    return this.#headers[":path"] ?? "";
  }

  sendMetadata(metadata: Metadata): void {
    this.#initial = metadata.toHttp2Headers();
  }

  /** Calls back when the client leaves before it is answered; a deadline that passes answers it. */
  on(_event: "cancelled", listener: () => void): void {
    const left = this.getDeadline() - Date.now();
    if (Number.isFinite(left)) {
      this.#timer = setTimeout(
        () => {
          this.#answer({ code: status.DEADLINE_EXCEEDED, details: "Deadline exceeded" });
          listener();
        },
        Math.min(Math.max(left, 0), LONGEST_TIMER_MS),
      ).unref();
    }
    this.#stream.once("close", () => {
      clearTimeout(this.#timer);
      if (!this.#answered) listener();
    });
  }

  readonly #onData = (chunk: Buffer) => {
    if (this.#body === undefined && isOneMessage(chunk)) {
      this.#body = chunk;
      return;
    }
    const stream = this.#stream;
    stream.off("data", this.#onData);
    stream.off("end", this.#onEnd);
    stream.pause();
    stream.unshift(this.#body ? Buffer.concat([this.#body, chunk]) : chunk);
    this.#takeOver();
  };

  readonly #onEnd = () => {
    if (this.#stream.destroyed) return;
    if (!this.#body) {
      const details = `Received no request message for server streaming method ${this.getPath()}`;
      this.#answer({ code: status.UNIMPLEMENTED, details });
      return;
    }
    this.#request = this.#method.deserialize(this.#body.subarray(PREFIX_BYTES));
    this.#body = undefined;
    this.#method.handle(this, (error, message, trailer) => {
      if (error) this.#answer(error);
      else this.#send(message, trailer);
    });
  };

  #send(message: unknown, trailer: Metadata | undefined): void {
    if (this.#over()) return;
    const bytes = this.#method.serialize(message as never);
    let frame = frames.get(bytes);
    if (!frame) {
      frame = framed(bytes);
      frames.set(bytes, frame);
    }
    const stream = this.#stream;
    stream.respond(this.#initial ? { ...HEADERS, ...this.#initial } : HEADERS, WANT_TRAILERS);
    stream.once("wantTrailers", () => {
      stream.sendTrailers(trailer ? { ...OK, ...trailer.toHttp2Headers() } : OK);
    });
    stream.end(frame);
  }

  #answer({ code = status.UNKNOWN, details = "", metadata }: Partial<ServerErrorResponse>): void {
    if (this.#over()) return;
    const outcome = { "grpc-status": code, "grpc-message": encodeURI(details) };
    const headers = { ...TRAILERS_ONLY, ...this.#initial, ...outcome, ...metadata?.toHttp2Headers() };
    this.#stream.respond(headers, { endStream: true });
  }

  /** Whether there is nobody to answer any more; from here on it is answered. */
  #over(): boolean {
    const over = this.#answered || this.#stream.destroyed || this.#stream.closed;
    this.#answered = true;
    clearTimeout(this.#timer);
    return over;
  }
}

function ignore(): void {}

function isOneMessage(chunk: Buffer): boolean {
  return chunk.length >= PREFIX_BYTES && chunk[0] === 0 && chunk.readUInt32BE(1) === chunk.length - PREFIX_BYTES;
}

function framed(bytes: Buffer): Buffer {
  const frame = Buffer.allocUnsafe(PREFIX_BYTES + bytes.length);
  frame[0] = 0;
  frame.writeUInt32BE(bytes.length, 1);
  bytes.copy(frame, PREFIX_BYTES);
  return frame;
}

function deadlineOf(timeout: string | string[] | undefined): number {
  if (typeof timeout !== "string") return Number.POSITIVE_INFINITY;
  return Date.now() + Number(timeout.slice(0, -1)) * UNIT_MS[timeout.slice(-1)]!;
}
