import type { DescService } from "@bufbuild/protobuf";
import type { ConnectRouter } from "@connectrpc/connect";
import { Server, ServerCredentials } from "@grpc/grpc-js";
import { AvailabilityService } from "../../gen/availability/v1/availability_service_pb.ts";
import { type Clock, systemClock } from "../lib/clock.ts";
import { log } from "../telemetry/log.ts";
import { bindService } from "./grpc-binding.ts";
import { joinWrites } from "./grpc-join-writes.ts";
import { layLane } from "./grpc-lane.ts";
import type { LaneMethod } from "./grpc-lane-call.ts";
import { addHealth, healthFiles } from "./health.ts";
import {
  type Listener,
  type ListenerDeps,
  MAX_CONCURRENT_STREAMS,
  MAX_REQUEST_BYTES,
  PING_EVERY_MS,
  PONG_WITHIN_MS,
  SHUTDOWN_LIMIT_MS,
} from "./listener.ts";
import { addReflection } from "./reflection.ts";

const JOINED_WRITES = 64;

/** What routers ask while a caller hears nothing. */
const HOT: ReadonlySet<string> = new Set(
  ["Check", "BatchCheck"].map((method) => `/${AvailabilityService.typeName}/${method}`),
);

const OPTIONS = {
  "grpc.max_receive_message_length": MAX_REQUEST_BYTES,
  "grpc.max_concurrent_streams": MAX_CONCURRENT_STREAMS,
  "grpc.keepalive_time_ms": PING_EVERY_MS,
  "grpc.keepalive_timeout_ms": PONG_WITHIN_MS,
  // Clients come back, perhaps to another replica. Streams end by themselves within the grace (guards.ts).
  "grpc.max_connection_age_ms": 30 * 60_000,
  "grpc.max_connection_age_grace_ms": 25 * 60_000,
};

/** Binds the gRPC port: grpc-js with health and reflection, around the handlers and guards of the HTTP port. */
export async function listenGrpc(deps: ListenerDeps): Promise<Listener> {
  const { routes, guards, lifecycle, host, clock = systemClock, limitMs = SHUTDOWN_LIMIT_MS } = deps;
  const server = new Server({ ...OPTIONS, interceptors: [joinWrites(JOINED_WRITES)] });
  const services: DescService[] = [];
  const hot = new Map<string, LaneMethod>();
  const router: Pick<ConnectRouter, "service"> = {
    service(service, implementation) {
      const unary = bindService(server, service, implementation, guards);
      for (const [path, method] of unary) if (HOT.has(path)) hot.set(path, method);
      services.push(service);
      return router as ConnectRouter;
    },
  };
  routes(router);
  const names = services.map((service) => service.typeName);
  addHealth(server, names, lifecycle);
  addReflection(router, services, healthFiles());
  const port = await bind(server, host, deps.port);
  if (!layLane(server, hot)) log.warn("calls take the ordinary way through grpc-js: this version of it is not known");
  let closed: Promise<void> | undefined;
  const shutdown = async () => {
    await lifecycle.drain();
    await close(server, clock, limitMs);
  };
  return {
    host,
    port,
    shutdown() {
      closed ??= shutdown();
      return closed;
    },
  };
}

function bind(server: Server, host: string, port: number): Promise<number> {
  const address = `${host.includes(":") ? `[${host}]` : host}:${port}`;
  return new Promise((resolve, reject) => {
    server.bindAsync(address, ServerCredentials.createInsecure(), (error, bound) => {
      if (error) reject(new Error(`Cannot listen on "${address}": ${error.message}`, { cause: error }));
      else resolve(bound);
    });
  });
}

function close(server: Server, clock: Clock, limitMs: number): Promise<void> {
  return new Promise((resolve) => {
    const cancel = clock.after(limitMs, () => server.forceShutdown());
    server.tryShutdown(() => {
      cancel();
      resolve();
    });
  });
}
