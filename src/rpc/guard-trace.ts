import type { DescMethod } from "@bufbuild/protobuf";
import { Code, ConnectError, type Interceptor } from "@connectrpc/connect";
import {
  type Context,
  context,
  propagation,
  type Span,
  SpanKind,
  SpanStatusCode,
  type TextMapGetter,
  trace,
} from "@opentelemetry/api";
import {
  ATTR_ERROR_TYPE,
  ATTR_RPC_METHOD,
  ATTR_RPC_STATUS_CODE,
  ATTR_RPC_SYSTEM_NAME,
  METRIC_RPC_SERVER_CALL_DURATION,
} from "@opentelemetry/semantic-conventions";
import { HotHistogram } from "../telemetry/hot-metrics.ts";
import { asInterceptor, type Req, settle, withParts } from "./guard.ts";
import { guardStream, type StreamGuard } from "./guard-stream.ts";

const duration = new HotHistogram<Ended>(
  {
    name: METRIC_RPC_SERVER_CALL_DURATION,
    description: "How long calls to this server took; for a stream, until it ended",
    unit: "s",
    boundaries: [0.0005, 0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 600],
  },
  ({ options, status }) => ({ ...options.attributes, ...outcomeOf(status) }),
);

/** A listener's own way to one request header, where building all of them is dear. */
export const readHeader = Symbol("read one request header");

type Readable = Req & { [readHeader]?: (name: string) => string | undefined };

const headers: TextMapGetter<Readable> = {
  get: headerOf,
  keys: (req) => [...req.header.keys()],
};

function headerOf(req: Readable, name: string): string | undefined {
  return req[readHeader] ? req[readHeader](name) : (req.header.get(name) ?? undefined);
}

// These say that the server failed; the others, that the caller asked for what it cannot have.
const SERVER_FAULTS = new Set([
  Code.Unknown,
  Code.DeadlineExceeded,
  Code.Unimplemented,
  Code.Internal,
  Code.Unavailable,
  Code.DataLoss,
]);

/** What the spans of a method's calls begin with, over one system. */
interface Options {
  readonly kind: SpanKind;
  readonly attributes: { readonly [ATTR_RPC_SYSTEM_NAME]: string; readonly [ATTR_RPC_METHOD]: string };
}

interface Ended {
  readonly options: Options;
  readonly status: string;
}

/** One server span and one duration per call, a stream being one call; the caller's W3C trace context is its parent. */
export function traceGuard(): Interceptor {
  const tracer = trace.getTracer("availability");
  const optionsOf = { grpc: new Map<DescMethod, Options>(), connectrpc: new Map<DescMethod, Options>() };
  return asInterceptor((next) => (req) => {
    const system = headerOf(req, "content-type")?.startsWith("application/grpc") ? "grpc" : "connectrpc";
    const options = optionsOf[system].get(req.method) ?? newOptions(req.method, system);
    const parent = propagation.extract(context.active(), req, headers);
    const span = tracer.startSpan(options.attributes[ATTR_RPC_METHOD], options, parent);
    const call = new TracedCall(req, options, span, trace.setSpan(parent, span));
    return settle(
      () => call.step(() => next(req)),
      (res) => {
        if (res.stream) return withParts(res, { message: guardStream(res.message, call) });
        call.finish();
        return res;
      },
      (error) => {
        call.finish(error);
        throw error;
      },
    );
  });

  function newOptions(method: DescMethod, system: keyof typeof optionsOf): Options {
    const name = `${method.parent.typeName}/${method.name}`;
    const attributes = { [ATTR_RPC_SYSTEM_NAME]: system, [ATTR_RPC_METHOD]: name };
    const options = { kind: SpanKind.SERVER, attributes };
    optionsOf[system].set(method, options);
    return options;
  }
}

/** TracedCall is one call's span and duration; a stream is over when its last answer is. */
class TracedCall implements StreamGuard {
  readonly #began = performance.now();
  readonly #req: Req;
  readonly #options: Options;
  readonly #span: Span;
  readonly #within: Context;

  constructor(req: Req, options: Options, span: Span, within: Context) {
    this.#req = req;
    this.#options = options;
    this.#span = span;
    this.#within = within;
  }

  step<R>(run: () => R): R {
    return context.with(this.#within, run);
  }

  ended(how: "done" | "failed" | "left", error?: unknown): void {
    this.finish(how === "left" ? leftBecause(this.#req.signal) : error);
  }

  finish(error?: unknown): void {
    const code = error === undefined ? 0 : ConnectError.from(error).code;
    const status = code === 0 ? "OK" : statusName(code);
    endSpan(this.#span, code, status);
    const options = this.#options;
    duration.record((performance.now() - this.#began) / 1000, { options, status }, options, status);
  }
}

/** Who stops reading before the end has gone away, or ran out of time. */
function leftBecause(signal: AbortSignal): ConnectError {
  return signal.reason instanceof ConnectError ? signal.reason : new ConnectError("left", Code.Canceled);
}

function outcomeOf(status: string): Record<string, string> {
  return { [ATTR_RPC_STATUS_CODE]: status, ...(status !== "OK" && { [ATTR_ERROR_TYPE]: status }) };
}

function endSpan(span: Span, code: Code | 0, status: string): void {
  if (span.isRecording()) {
    span.setAttributes(outcomeOf(status));
    if (code !== 0 && SERVER_FAULTS.has(code)) span.setStatus({ code: SpanStatusCode.ERROR });
  }
  span.end();
}

/** gRPC's name of a code, for example DEADLINE_EXCEEDED. */
export function statusName(code: Code): string {
  if (code === Code.Canceled) return "CANCELLED";
  return Code[code].replace(/(?<=[a-z])(?=[A-Z])/g, "_").toUpperCase();
}
