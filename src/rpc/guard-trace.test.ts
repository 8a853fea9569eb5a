import { once } from "node:events";
import { Code } from "@connectrpc/connect";
import { context, metrics, propagation, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { W3CTraceContextPropagator } from "@opentelemetry/core";
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from "@opentelemetry/sdk-metrics";
import { InMemorySpanExporter, type ReadableSpan, SimpleSpanProcessor, TracerProvider } from "@opentelemetry/sdk-trace";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { ServiceError } from "../lib/errors.ts";
import { hotMetrics } from "../telemetry/hot-metrics.ts";
import { statusName } from "./guard-trace.ts";
import { clientOf, collect, echo, failureOf, startBoth, TRANSPORTS } from "./test-listeners.ts";

const exporter = new InMemorySpanExporter();
const measured = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
const reader = new PeriodicExportingMetricReader({ exporter: measured, metricProducers: [hotMetrics] });
const TRACE = "0af7651916cd43dd8448eb211c80319c";
const PARENT = "b7ad6b7169203331";
const headers = { traceparent: `00-${TRACE}-${PARENT}-01` };

let both: Awaited<ReturnType<typeof startBoth>>;
let active: (string | undefined)[] = [];
const note = () => active.push(trace.getActiveSpan()?.spanContext().spanId);

beforeAll(async () => {
  const spanProcessors = [new SimpleSpanProcessor({ exporter })];
  trace.setGlobalTracerProvider(new TracerProvider({ spanProcessors }));
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  propagation.setGlobalPropagator(new W3CTraceContextPropagator());
  both = await startBoth({
    async check({ destinationId: id }) {
      note();
      await Promise.resolve();
      note();
      if (id === "no") throw new ServiceError("NOT_FOUND", "Cannot check");
      if (id === "bug") throw new Error("bug");
      return {};
    },
    async *watch(_, { signal }) {
      note();
      yield { event: { case: "synced", value: {} } };
      note();
      if (_.passive) await once(signal, "abort");
      note();
    },
    async *checkStream(requests) {
      for await (const { requestId } of requests) {
        note();
        yield echo(requestId);
      }
    },
  });
  // After the guards were made: what they measure with must not depend on that order.
  metrics.setGlobalMeterProvider(new MeterProvider({ readers: [reader] }));
});

afterAll(() => both.stop());

beforeEach(() => {
  exporter.reset();
  active = [];
});

async function spans(): Promise<ReadableSpan[]> {
  // The client may have its answer a turn before the server ends the span.
  for (let turn = 0; turn < 50 && exporter.getFinishedSpans().length === 0; turn++) {
    await new Promise((resolve) => setImmediate(resolve));
  }
  return exporter.getFinishedSpans();
}

describe.each(TRANSPORTS)("traceGuard(), %s", (name) => {
  const client = () => clientOf(both.transports[name]!());
  const system = name.startsWith("gRPC") ? "grpc" : "connectrpc";

  test("makes one server span under the caller's when a call is answered", async () => {
    await client().check({ destinationId: "q" }, { headers });
    const [span, ...more] = await spans();
    expect(more).toEqual([]);
    expect(span).toMatchObject({ name: "availability.v1.AvailabilityService/Check", kind: SpanKind.SERVER });
    expect(span!.spanContext().traceId).toBe(TRACE);
    expect(span!.parentSpanContext).toMatchObject({ spanId: PARENT, isRemote: true });
    expect(span!.attributes).toEqual({
      "rpc.system.name": system,
      "rpc.method": "availability.v1.AvailabilityService/Check",
      "rpc.status_code": "OK",
    });
    expect(active).toEqual([span!.spanContext().spanId, span!.spanContext().spanId]);
  });

  test("makes one span for a whole stream, active in every step of the handler", async () => {
    await collect(client().watch({}, { headers }));
    const [span, ...more] = await spans();
    expect(more).toEqual([]);
    expect(span!.attributes["rpc.status_code"]).toBe("OK");
    expect(active).toEqual(Array(3).fill(span!.spanContext().spanId));
  });

  test("ends the span as CANCELLED when the client leaves the stream", async () => {
    const control = new AbortController();
    const call = (async () => {
      for await (const _ of client().watch({ passive: true }, { headers, signal: control.signal })) control.abort();
    })();
    expect((await failureOf(call)).code).toBe(Code.Canceled);
    const [span] = await spans();
    expect(span!.attributes).toMatchObject({ "rpc.status_code": "CANCELLED", "error.type": "CANCELLED" });
    expect(span!.status.code).toBe(SpanStatusCode.UNSET);
  });

  test("says what went wrong, and blames the server only for its own faults", async () => {
    await failureOf(client().check({ destinationId: "no" }));
    const [refused] = await spans();
    expect(refused!.attributes["error.type"]).toBe("NOT_FOUND");
    expect(refused!.status.code).toBe(SpanStatusCode.UNSET);
    exporter.reset();
    await failureOf(client().check({ destinationId: "bug" }));
    const [failed] = await spans();
    expect(failed!.attributes["error.type"]).toBe("INTERNAL");
    expect(failed!.status).toEqual({ code: SpanStatusCode.ERROR });
    expect(failed!.parentSpanContext).toBeUndefined();
  });
});

test("traceGuard() records rpc.server.call.duration in seconds", async () => {
  await clientOf(both.transports["gRPC on the gRPC port"]!()).check({ destinationId: "q" });
  await spans();
  await reader.forceFlush();
  const all = measured.getMetrics().flatMap(({ scopeMetrics }) => scopeMetrics.flatMap((scope) => scope.metrics));
  const metric = all.find(({ descriptor }) => descriptor.name === "rpc.server.call.duration");
  expect(metric?.descriptor.unit).toBe("s");
  const attributes = metric!.dataPoints.map((point) => point.attributes);
  expect(attributes).toContainEqual({
    "rpc.system.name": "grpc",
    "rpc.method": "availability.v1.AvailabilityService/Check",
    "rpc.status_code": "OK",
  });
});

test("statusName() gives gRPC's names", () => {
  expect(statusName(Code.Canceled)).toBe("CANCELLED");
  expect(statusName(Code.DeadlineExceeded)).toBe("DEADLINE_EXCEEDED");
  expect(statusName(Code.InvalidArgument)).toBe("INVALID_ARGUMENT");
});
