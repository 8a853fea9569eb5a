import { getNumberFromEnv, getStringFromEnv, getStringListFromEnv } from "@opentelemetry/core";
import {
  ConsoleMetricExporter,
  type MetricReader,
  PeriodicExportingMetricReader,
  type PushMetricExporter,
} from "@opentelemetry/sdk-metrics";
import { hotMetrics } from "./hot-metrics.ts";
import { log } from "./log.ts";

const INTERVAL_MS = 60_000;
const TIMEOUT_MS = 30_000;

/** The readers that OTEL_METRICS_EXPORTER names, besides the one behind /metrics; OTLP when only an endpoint is set. */
export async function metricReaders(): Promise<MetricReader[]> {
  const names = new Set(getStringListFromEnv("OTEL_METRICS_EXPORTER") ?? ["otlp"]);
  const exporters: PushMetricExporter[] = [];
  for (const name of names) {
    if (name === "otlp") exporters.push(await otlpExporter());
    else if (name === "console") exporters.push(new ConsoleMetricExporter());
    else if (name !== "prometheus") log.warn({ exporter: name }, "unknown OTEL_METRICS_EXPORTER");
  }
  const exportIntervalMillis = getNumberFromEnv("OTEL_METRIC_EXPORT_INTERVAL") ?? INTERVAL_MS;
  const timeout = getNumberFromEnv("OTEL_METRIC_EXPORT_TIMEOUT") ?? TIMEOUT_MS;
  const exportTimeoutMillis = Math.min(timeout, exportIntervalMillis);
  const common = { exportIntervalMillis, exportTimeoutMillis, metricProducers: [hotMetrics] };
  return exporters.map((exporter) => new PeriodicExportingMetricReader({ exporter, ...common }));
}

async function otlpExporter(): Promise<PushMetricExporter> {
  const protocol =
    getStringFromEnv("OTEL_EXPORTER_OTLP_METRICS_PROTOCOL") ?? getStringFromEnv("OTEL_EXPORTER_OTLP_PROTOCOL");
  switch (protocol) {
    case "grpc":
      return new (await import("@opentelemetry/exporter-metrics-otlp-grpc")).OTLPMetricExporter();
    case "http/json":
      return new (await import("@opentelemetry/exporter-metrics-otlp-http")).OTLPMetricExporter();
    default:
      return new (await import("@opentelemetry/exporter-metrics-otlp-proto")).OTLPMetricExporter();
  }
}
