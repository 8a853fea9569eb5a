import { Code, ConnectError, type Interceptor, type StreamRequest, type UnaryRequest } from "@connectrpc/connect";
import {
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
import { instrument } from "../telemetry/meter.ts";
import { guardStream } from "./guard-stream.ts";

const duration = instrument((meter) =>
  meter.createHistogram(METRIC_RPC_SERVER_CALL_DURATION, {
    description: "How long calls to this server took; for a stream, until it ended",
    unit: "s",
    advice: {
      explicitBucketBoundaries: [0.0005, 0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 600],
    },
  }),
);

/** A listener's own way to one request header, where building all of them is dear. */
export const readHeader = Symbol("read one request header");

type Req = (UnaryRequest | StreamRequest) & { [readHeader]?: (name: string) => string | undefined };

const headers: TextMapGetter<Req> = {
  get: headerOf,
  keys: (req) => [...req.header.keys()],
};

function headerOf(req: Req, name: string): string | undefined {
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

/** One server span and one duration per call, a stream being one call; the caller's W3C trace context is its parent. */
export function traceGuard(): Interceptor {
  const tracer = trace.getTracer("availability");
  return (next) => async (req) => {
    const began = performance.now();
    const method = `${req.method.parent.typeName}/${req.method.name}`;
    const system = headerOf(req, "content-type")?.startsWith("application/grpc") ? "grpc" : "connectrpc";
    const attributes = { [ATTR_RPC_SYSTEM_NAME]: system, [ATTR_RPC_METHOD]: method };
    const parent = propagation.extract(context.active(), req, headers);
    const span = tracer.startSpan(method, { kind: SpanKind.SERVER, attributes }, parent);
    const within = trace.setSpan(parent, span);
    const finish = (error?: unknown) => {
      const code = error === undefined ? 0 : ConnectError.from(error).code;
      const outcome = outcomeOf(code);
      endSpan(span, code, outcome);
      // Inside the span's context, so that the measurement can carry an exemplar.
      duration().record((performance.now() - began) / 1000, { ...attributes, ...outcome }, within);
    };
    try {
      const res = await context.with(within, next, undefined, req);
      if (!res.stream) {
        finish();
        return res;
      }
      const message = guardStream(res.message, {
        step: (run) => context.with(within, run),
        ended: (how, error) => finish(how === "left" ? leftBecause(req.signal) : error),
      });
      return { ...res, message };
    } catch (error) {
      finish(error);
      throw error;
    }
  };
}

/** Who stops reading before the end has gone away, or ran out of time. */
function leftBecause(signal: AbortSignal): ConnectError {
  return signal.reason instanceof ConnectError ? signal.reason : new ConnectError("left", Code.Canceled);
}

function outcomeOf(code: Code | 0): Record<string, string> {
  const name = code === 0 ? "OK" : statusName(code);
  return code === 0 ? { [ATTR_RPC_STATUS_CODE]: name } : { [ATTR_RPC_STATUS_CODE]: name, [ATTR_ERROR_TYPE]: name };
}

function endSpan(span: Span, code: Code | 0, outcome: Record<string, string>): void {
  if (span.isRecording()) {
    span.setAttributes(outcome);
    if (code !== 0 && SERVER_FAULTS.has(code)) span.setStatus({ code: SpanStatusCode.ERROR });
  }
  span.end();
}

/** gRPC's name of a code, for example DEADLINE_EXCEEDED. */
export function statusName(code: Code): string {
  if (code === Code.Canceled) return "CANCELLED";
  return Code[code].replace(/(?<=[a-z])(?=[A-Z])/g, "_").toUpperCase();
}
