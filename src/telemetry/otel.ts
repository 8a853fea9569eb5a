import type { IncomingMessage, ServerResponse } from "node:http";
import type { Http2ServerRequest, Http2ServerResponse } from "node:http2";
import { setTimeout } from "node:timers/promises";
import { context, DiagLogLevel, diag, metrics, propagation, trace } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { CompositePropagator, W3CBaggagePropagator, W3CTraceContextPropagator } from "@opentelemetry/core";
import { PrometheusExporter } from "@opentelemetry/exporter-prometheus";
import {
  defaultResource,
  detectResources,
  type Resource,
  resourceAttributesEnvDetector,
  resourceFromAttributes,
  serviceInstanceIdDetector,
  serviceNameEnvDetector,
} from "@opentelemetry/resources";
import { MeterProvider } from "@opentelemetry/sdk-metrics";
import { AlwaysOffSampler, TracerProvider } from "@opentelemetry/sdk-trace";
import { ATTR_SERVICE_NAME, ATTR_SERVICE_VERSION } from "@opentelemetry/semantic-conventions";
import { hotMetrics } from "./hot-metrics.ts";
import { log } from "./log.ts";

/** Telemetry that runs until it is shut down. */
export interface Telemetry {
  /** Writes this process's metrics in Prometheus' text format. */
  metricsHandler(req: IncomingMessage | Http2ServerRequest, res: ServerResponse | Http2ServerResponse): void;
  /** Sends what is still held back. Never rejects. */
  shutdown(): Promise<void>;
}

const SERVICE_NAME = "agent-availability";
// A collector that is away must not hold the process back.
const SHUTDOWN_LIMIT_MS = 3000;

/**
 * Starts the OpenTelemetry SDK by the standard OTEL_* variables. Nothing leaves the process unless an exporter or an
 * OTLP endpoint is named there; /metrics, and trace ids in logs, work without. Call it once, before calls are served.
 */
export async function startTelemetry({ serviceVersion }: { serviceVersion: string }): Promise<Telemetry> {
  if (process.env.OTEL_SDK_DISABLED?.trim().toLowerCase() === "true") return disabled;
  tellTroubleInLog();
  const resource = resourceOf(serviceVersion);
  // Exporters take a quarter of a second to load: only when they are asked for. The HTTP port answers /metrics.
  const prometheus = new PrometheusExporter({ preventServerStart: true, metricProducers: [hotMetrics] });
  const readers = isWanted("METRICS") ? await (await import("./otel-metrics.ts")).metricReaders() : [];
  const meters = new MeterProvider({ resource, readers: [prometheus, ...readers] });
  metrics.setGlobalMeterProvider(meters);
  const startTraces = isWanted("TRACES") ? (await import("./otel-traces.ts")).startTraces : startUnrecordedTraces;
  const traces = startTraces(resource);
  return {
    metricsHandler: (req, res) => prometheus.getMetricsRequestHandler(req as IncomingMessage, res as ServerResponse),
    shutdown: async () => {
      const sent = Promise.allSettled([traces.shutdown(), meters.shutdown()]);
      await Promise.race([sent, setTimeout(SHUTDOWN_LIMIT_MS, undefined, { ref: false })]);
    },
  };
}

/** Whether a signal is to be sent anywhere; the SDK's own default is to call localhost for ever. */
function isWanted(signal: "TRACES" | "METRICS"): boolean {
  const exporter = process.env[`OTEL_${signal}_EXPORTER`];
  if (exporter) return exporter.trim() !== "none";
  return Boolean(process.env.OTEL_EXPORTER_OTLP_ENDPOINT || process.env[`OTEL_EXPORTER_OTLP_${signal}_ENDPOINT`]);
}

/** Spans that are sent nowhere, but continue the caller's trace and give log lines its ids. */
function startUnrecordedTraces(resource: Resource): { shutdown(): Promise<void> } {
  const provider = new TracerProvider({ resource, sampler: new AlwaysOffSampler() });
  trace.setGlobalTracerProvider(provider);
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  const propagators = [new W3CTraceContextPropagator(), new W3CBaggagePropagator()];
  propagation.setGlobalPropagator(new CompositePropagator({ propagators }));
  return provider;
}

function resourceOf(serviceVersion: string): Resource {
  const ours = { [ATTR_SERVICE_NAME]: SERVICE_NAME, [ATTR_SERVICE_VERSION]: serviceVersion };
  const detectors = [serviceInstanceIdDetector, resourceAttributesEnvDetector, serviceNameEnvDetector];
  return defaultResource().merge(resourceFromAttributes(ours)).merge(detectResources({ detectors }));
}

/** A collector that is away, spans dropped: the operator reads it where everything else is. */
function tellTroubleInLog(): void {
  const tell = (level: "error" | "warn") => (message: unknown, detail?: unknown) =>
    log[level]({ err: message instanceof Error ? message : detail }, `telemetry: ${String(message)}`);
  const silent = () => {};
  diag.setLogger(
    { error: tell("error"), warn: tell("warn"), info: silent, debug: silent, verbose: silent },
    { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true },
  );
}

const disabled: Telemetry = {
  metricsHandler: (_, res) => {
    (res as ServerResponse).writeHead(404, { "content-type": "text/plain" }).end("OTEL_SDK_DISABLED is set\n");
  },
  shutdown: async () => {},
};
