import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, vi } from "vitest";
import type { Availability } from "../../gen/availability/v1/availability_pb.ts";
import type { CheckRequest } from "../../gen/availability/v1/availability_service_pb.ts";
import type { Connection } from "../../gen/availability/v1/connection_pb.ts";
import { type Simulator, type SimulatorOptions, startSimulator } from "../../simulator/server.ts";
import { startApp } from "../../src/app.ts";
import type { Clock } from "../../src/lib/clock.ts";
import { parseSettings } from "../../src/settings.ts";
import { startTelemetry, type Telemetry } from "../../src/telemetry/otel.ts";
import { ALL_WAYS, type Clients, openClients, type Way } from "./clients.ts";
import { type ConnectionSketch, connectionOf } from "./connections.ts";
import { type DestinationSketch, destinationOf, duration } from "./destinations.ts";

let telemetry: Promise<Telemetry> | undefined;

/** The service in this process, with a simulator to ask and clients to be asked by. */
export interface RunningService extends Clients {
  readonly http: string;
  readonly grpc: string;
  readonly simulator: Simulator;
  /** Clients of one way in, opened once. */
  by(way: Way): Clients;
  /** Configures a connection to the simulator; resolves to its id. */
  connect(sketch?: ConnectionSketch): Promise<string>;
  /** A connection and how it is doing. */
  connection(connectionId?: string): Promise<Connection>;
  /** Configures a destination of the simulator; resolves to its id. */
  configure(sketch?: DestinationSketch): Promise<string>;
  /** One Check's availability. */
  check(destinationId: string, options?: CheckOptions): Promise<Availability>;
  /** A metric's value of /metrics, summed over the series whose labels hold all of `labels`; 0 when there is none. */
  metric(name: string, labels?: string): Promise<number>;
  /** Ends everything, and asserts that no socket, server or worker thread is left. */
  stop(): Promise<void>;
}

interface CheckOptions extends Pick<Partial<CheckRequest>, "tags"> {
  maxAgeMs?: number;
  maxWaitMs?: number;
  way?: Way;
}

/** Starts service and simulator on free ports; the simulator sets no limit unless told to. */
export async function startService(
  options: {
    simulator?: SimulatorOptions;
    /** One that runs already, and goes on after `stop()`. */
    upstream?: Simulator;
    storeUrl?: string;
    env?: Record<string, string>;
    /** The simulator's too. */
    clock?: Clock;
  } = {},
): Promise<RunningService> {
  const before = openHandles();
  await using starting = new AsyncDisposableStack();
  const { clock, upstream } = options;
  const simulator = upstream ?? (await startSimulator(simulatorOptions(options.simulator, clock)));
  if (!upstream) starting.defer(() => simulator.close());
  const settings = parseSettings({
    HTTP_PORT: "0",
    GRPC_PORT: "0",
    STORE_URL: options.storeUrl ?? "sqlite::memory:",
    UPSTREAM_ALLOW: simulator.origin,
    ...options.env,
  });
  const opened = new Map<Way, ReturnType<typeof openClients>>();
  // Closed last, so that clients see how the service ends.
  starting.defer(() => {
    for (const { close } of opened.values()) close();
  });
  telemetry ??= startTelemetry({ serviceVersion: "test" });
  const app = await startApp(settings, { telemetry: await telemetry, ...(clock && { clock }) });
  starting.defer(() => app.shutdown());
  const by = (way: Way) => {
    const clients = opened.get(way) ?? openClients(way, app);
    opened.set(way, clients);
    return clients.clients;
  };
  const running = starting.move();

  return {
    ...by("connect-node gRPC on the gRPC port"),
    http: app.http,
    grpc: app.grpc,
    simulator,
    by,
    async connect(sketch) {
      const connection = connectionOf(simulator, sketch);
      return (await by(ALL_WAYS[0]!).connections.configureConnection({ connection })).connection!.id;
    },
    connection: async (connectionId = "main") =>
      (await by(ALL_WAYS[0]!).connections.getConnection({ connectionId })).connection!,
    async configure(sketch = {}) {
      const destination = destinationOf(simulator, sketch);
      const answer = await by(ALL_WAYS[0]!).availability.configure({ destination });
      return answer.destination!.id;
    },
    async check(destinationId, { maxAgeMs, maxWaitMs, way = ALL_WAYS[0]!, tags = {} } = {}) {
      const { availability } = await by(way).availability.check({
        destinationId,
        tags,
        ...(maxAgeMs !== undefined && { maxAge: duration(maxAgeMs) }),
        ...(maxWaitMs !== undefined && { maxWait: duration(maxWaitMs) }),
      });
      return availability!;
    },
    metric: async (name, labels = "") =>
      metricIn(await (await fetch(`http://${app.http}/metrics`)).text(), name, labels),
    async stop() {
      await running.disposeAsync();
      const left = () => Object.entries(openHandles()).filter(([kind, count]) => count > before[kind]!);
      await vi.waitFor(() => expect(left()).toEqual([]), { timeout: 5000, interval: 20 });
    },
  };
}

/** The simulator's options in tests: no limit of light calls unless told so, and the same time as the service's. */
function simulatorOptions(options: SimulatorOptions = {}, clock?: Clock): SimulatorOptions {
  const time = clock && { now: () => clock.now(), after: (ms: number, then: () => void) => clock.after(ms, then) };
  return { limits: { light: Number.POSITIVE_INFINITY }, ...time, ...options };
}

/** A metric's value in Prometheus' text format. */
export function metricIn(text: string, name: string, labels = ""): number {
  const wanted = labels === "" ? [] : labels.split(",");
  let sum = 0;
  for (const line of text.split("\n")) {
    if (!line.startsWith(`${name}{`) && !line.startsWith(`${name} `)) continue;
    if (wanted.every((label) => line.includes(label))) sum += Number(line.slice(line.lastIndexOf(" ")));
  }
  return sum;
}

/** What a test must not leave behind. The test runner's own handles are of other kinds, or there before. */
function openHandles(): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const kind of ["TCPSocketWrap", "TCPServerWrap", "Worker"]) {
    counts[kind] = process.getActiveResourcesInfo().filter((name) => name === kind).length;
  }
  return counts;
}

/** A directory for one test file's stores. */
export async function temporaryDirectory(): Promise<{ path: string; remove: () => Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), "availability-test-"));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}
