import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { type Simulator, startSimulator } from "../simulator/server.ts";
import { killLeftovers, type ReadyProcess, startProcess } from "./support/child.ts";
import type { Way } from "./support/clients.ts";
import { type Collector, type ReceivedSpan, startCollector } from "./support/collector.ts";
import { destinationOf } from "./support/destinations.ts";

const TOKEN = "token-that-no-span-may-show";
const SERVER = 2;
const CLIENT = 3;
const CHECK = "availability.v1.AvailabilityService/Check";

let simulator: Simulator;
let collector: Collector;
let service: ReadyProcess;
beforeAll(async () => {
  simulator = await startSimulator({ token: TOKEN });
  collector = await startCollector();
  service = await startProcess({
    UPSTREAM_ALLOW: simulator.origin,
    LOG_LEVEL: "debug",
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint,
    OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
    OTEL_BSP_SCHEDULE_DELAY: "50",
    OTEL_METRIC_EXPORT_INTERVAL: "200",
  });
});
afterAll(async () => {
  killLeftovers();
  await collector.close();
  await simulator.close();
});

/** A caller's trace: what it sends, and its ids. */
function trace(digit: string) {
  const [traceId, spanId] = [digit.repeat(32), digit.repeat(16)];
  return { traceId, spanId, headers: { traceparent: `00-${traceId}-${spanId}-01` } };
}

const clientSpans = (spans: readonly ReceivedSpan[], linkedTo: string) =>
  spans.filter(({ kind, links }) => kind === CLIENT && links.some(({ traceId }) => traceId === linkedTo));
const serverSpan = (spans: readonly ReceivedSpan[], traceId: string) =>
  spans.find((span) => span.kind === SERVER && span.traceId === traceId);

test.each([
  ["connect-node gRPC on the gRPC port", "a", "grpc"],
  ["connect-node gRPC on the HTTP port", "b", "grpc"],
  ["Connect over HTTP/1.1", "c", "connectrpc"],
] satisfies [Way, string, string][])(
  "%s: the caller's trace goes on, with a linked span for each attempt",
  async (way, digit, system) => {
    const { id: queueId } = simulator.world.addQueue(1);
    const { availability } = service.by(way);
    const id = `traced-${digit}`;
    await availability.configure({ destination: destinationOf(simulator, { id, queueId }) });
    simulator.faults.add({ kind: "proxy-error", status: 503, queueId });
    const { traceId, spanId, headers } = trace(digit);
    const answer = await availability.check({ destinationId: id }, { headers });
    expect(answer.availability?.accepted).toBe(true);
    await collector.until(
      (spans) => clientSpans(spans, traceId).length >= 2 && serverSpan(spans, traceId) !== undefined,
    );

    const server = serverSpan(collector.spans, traceId)!;
    expect(server).toMatchObject({ name: CHECK, parentSpanId: spanId });
    expect(server.attributes).toMatchObject({
      "rpc.system.name": system,
      "rpc.method": CHECK,
      "rpc.status_code": "OK",
    });
    const attempts = clientSpans(collector.spans, traceId);
    expect(attempts.map(({ attributes }) => attributes["http.response.status_code"])).toEqual([503, 200]);
    for (const { links, traceId: own, attributes } of attempts) {
      expect(links).toMatchObject([{ traceId, spanId: server.spanId }]);
      // One read serves many traces, so it is a trace of its own.
      expect(own).not.toBe(traceId);
      expect(attributes).toMatchObject({ "http.request.method": "GET", "server.address": "127.0.0.1" });
      expect(JSON.stringify(attributes)).not.toContain("?");
    }
    // The log comes by another way than the answer and the spans.
    await vi.waitFor(() => {
      const lines = service.lines.filter(({ trace_id }) => trace_id === traceId);
      expect(lines).toContainEqual(expect.objectContaining({ msg: "check answered", span_id: server.spanId }));
    });
  },
);

test("one read links to every call that waited for it", async () => {
  const { id: queueId } = simulator.world.addQueue(1);
  const { availability } = service.by("Connect over h2c");
  await availability.configure({ destination: destinationOf(simulator, { id: "shared", queueId }) });
  simulator.faults.add({ kind: "hang", queueId });
  const asked = simulator.requests.length;
  const first = availability.check({ destinationId: "shared" }, { headers: trace("d").headers });
  await simulator.waitForRequests(asked + 1);
  const second = availability.check({ destinationId: "shared" }, { headers: trace("e").headers });
  // Answered behind it on the same connection: the second has arrived by then.
  await availability.check({ destinationId: "shared", maxWait: {} });
  simulator.faults.release();
  await Promise.all([first, second]);
  const ids = [trace("d").traceId, trace("e").traceId];
  await collector.until((spans) => ids.every((id) => clientSpans(spans, id).length > 0 && serverSpan(spans, id)));
  expect(clientSpans(collector.spans, ids[0]!)).toEqual(clientSpans(collector.spans, ids[1]!));
  expect(clientSpans(collector.spans, ids[0]!)).toHaveLength(1);
});

test("a failed call's span has its code", async () => {
  const { traceId, headers } = trace("f");
  await service
    .by("grpc-js on the gRPC port")
    .availability.check({ destinationId: "nobody" }, { headers })
    .catch(() => {});
  await collector.until((spans) => serverSpan(spans, traceId) !== undefined);
  expect(serverSpan(collector.spans, traceId)!.attributes).toMatchObject({
    "rpc.status_code": "NOT_FOUND",
    "error.type": "NOT_FOUND",
  });
});

test("everything is sent before the process ends, the metrics too, and RingCentral was told no trace and no span the token", async () => {
  const { traceId, headers } = trace("9");
  await service.by("Connect over h2c").availability.check({ destinationId: "shared" }, { headers });
  expect(await service.stop()).toBe(0);
  expect(serverSpan(collector.spans, traceId)).toBeDefined();
  expect([...collector.metrics]).toEqual(
    expect.arrayContaining([
      "rpc.server.call.duration",
      "availability.decisions",
      "availability.upstream.calls",
      "availability.upstream.duration",
      "availability.reads.coalesced",
    ]),
  );
  expect(simulator.requests.length).toBeGreaterThan(3);
  expect(simulator.requests.filter(({ traceparent, headers }) => traceparent || "baggage" in headers)).toEqual([]);
  expect(collector.received()).not.toContain(TOKEN);
});

test("nothing is exported unless it is asked for", async () => {
  const quiet = await startProcess({});
  expect(await quiet.stop()).toBe(0);
  expect(quiet.said.stdout + quiet.said.stderr).not.toMatch(/4318|4317|otlp/i);
});
