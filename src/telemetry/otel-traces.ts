import type { Resource } from "@opentelemetry/resources";
import { NodeSDK } from "@opentelemetry/sdk-node";

// The SDK's default of 2,048 loses spans within a second at full sampling; a span held back takes about 2 KB.
const QUEUE_SIZE = "16384";

/** Starts tracing as OTEL_* says: exporter, protocol, sampler, limits, propagators. No instrumentation of libraries. */
export function startTraces(resource: Resource): { shutdown(): Promise<void> } {
  process.env.OTEL_BSP_MAX_QUEUE_SIZE ??= QUEUE_SIZE;
  const sdk = new NodeSDK({ resource, autoDetectResources: false, metricReaders: [], logRecordProcessors: [] });
  sdk.start();
  return sdk;
}
