import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { context, diag, metrics, propagation, trace } from "@opentelemetry/api";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { checkAnswered } from "./events.ts";
import { startTelemetry, type Telemetry } from "./otel.ts";

const TRACE = "0af7651916cd43dd8448eb211c80319c";
const traceparent = `00-${TRACE}-b7ad6b7169203331-01`;

let collector: Server;
let received: { path: string; body: string }[];
let endpoint: string;

beforeEach(async () => {
  for (const name of Object.keys(process.env)) if (name.startsWith("OTEL_")) vi.stubEnv(name, undefined);
  received = [];
  collector = createServer((req, res) => {
    let body = "";
    req.on("data", (chunk) => {
      body += chunk;
    });
    req.on("end", () => {
      received.push({ path: req.url ?? "", body });
      res.setHeader("content-type", "application/json").end("{}");
    });
  });
  await once(collector.listen(0, "127.0.0.1"), "listening");
  endpoint = `http://127.0.0.1:${(collector.address() as AddressInfo).port}`;
});

afterEach(() => {
  for (const api of [trace, metrics, context, propagation, diag]) api.disable();
  collector.closeAllConnections();
  collector.close();
  vi.unstubAllEnvs();
});

async function metricsOf(telemetry: Telemetry): Promise<{ status: number; text: string }> {
  const server = createServer((req, res) => telemetry.metricsHandler(req, res));
  await once(server.listen(0, "127.0.0.1"), "listening");
  const res = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/metrics`);
  const text = await res.text();
  server.closeAllConnections();
  server.close();
  return { status: res.status, text };
}

/** What one call does: a span under the caller's, and an event with a metric. */
function work(): string {
  const parent = propagation.extract(context.active(), { traceparent });
  return context.with(parent, () => {
    const span = trace.getTracer("test").startSpan("a call");
    checkAnswered({ destinationId: "q", reason: "CRITERIA_MET", source: "LIVE", accepted: true });
    span.end();
    return span.spanContext().traceId;
  });
}

test("startTelemetry() sends nothing anywhere, but serves metrics and follows the caller's trace, by default", async () => {
  const telemetry = await startTelemetry({ serviceVersion: "1.2.3" });
  expect(work()).toBe(TRACE);
  const root = trace.getTracer("test").startSpan("root").spanContext();
  expect(root.traceId).toMatch(/^(?!0{32})[0-9a-f]{32}$/);
  const { status, text } = await metricsOf(telemetry);
  expect(status).toBe(200);
  expect(text).toMatch(/availability_decisions_total\{.*reason="CRITERIA_MET".*\} 1/);
  expect(text).toContain('service_name="agent-availability"');
  expect(text).toContain('service_version="1.2.3"');
  await telemetry.shutdown();
  expect(received).toEqual([]);
});

test("startTelemetry() sends spans and metrics by OTLP when an endpoint is set, named as the environment says", async () => {
  vi.stubEnv("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint);
  vi.stubEnv("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json");
  vi.stubEnv("OTEL_SERVICE_NAME", "renamed");
  vi.stubEnv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=lab");
  const telemetry = await startTelemetry({ serviceVersion: "1.2.3" });
  expect(work()).toBe(TRACE);
  expect((await metricsOf(telemetry)).text).toContain("availability_decisions_total");
  await telemetry.shutdown();
  const bodyOf = (path: string) => received.find((request) => request.path === path)?.body ?? "";
  expect(received.map(({ path }) => path).sort()).toEqual(["/v1/metrics", "/v1/traces"]);
  expect(bodyOf("/v1/traces")).toContain('"a call"');
  expect(bodyOf("/v1/traces")).toContain(TRACE);
  expect(bodyOf("/v1/metrics")).toContain('"availability.decisions"');
  for (const path of ["/v1/traces", "/v1/metrics"]) {
    expect(bodyOf(path)).toContain('"renamed"');
    expect(bodyOf(path)).toContain('"lab"');
    // Command lines may hold secrets.
    expect(bodyOf(path)).not.toContain("process.command");
  }
});

test("startTelemetry() sends the one signal that is asked for, and samples as told", async () => {
  vi.stubEnv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", `${endpoint}/spans`);
  vi.stubEnv("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json");
  vi.stubEnv("OTEL_TRACES_SAMPLER", "always_off");
  const telemetry = await startTelemetry({ serviceVersion: "1.2.3" });
  work();
  await telemetry.shutdown();
  expect(received).toEqual([]);
  for (const api of [trace, metrics, context, propagation, diag]) api.disable();
  vi.stubEnv("OTEL_TRACES_SAMPLER", "parentbased_always_off");
  const sampling = await startTelemetry({ serviceVersion: "1.2.3" });
  work();
  await sampling.shutdown();
  expect(received.map(({ path }) => path)).toEqual(["/spans"]);
});

test("startTelemetry() does nothing when OTEL_SDK_DISABLED is set", async () => {
  vi.stubEnv("OTEL_SDK_DISABLED", "true");
  vi.stubEnv("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint);
  const telemetry = await startTelemetry({ serviceVersion: "1.2.3" });
  work();
  expect((await metricsOf(telemetry)).status).toBe(404);
  await telemetry.shutdown();
  expect(received).toEqual([]);
});
