import type { DescService } from "@bufbuild/protobuf";
import type { ConnectRouter } from "@connectrpc/connect";
import { Server, ServerCredentials } from "@grpc/grpc-js";
import { type Clock, systemClock } from "../lib/clock.ts";
import { bindService } from "./grpc-binding.ts";
import { joinWrites } from "./grpc-join-writes.ts";
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
  const router: Pick<ConnectRouter, "service"> = {
    service(service, implementation) {
      bindService(server, service, implementation, guards);
      services.push(service);
      return router as ConnectRouter;
    },
  };
  routes(router);
  const names = services.map((service) => service.typeName);
  addHealth(server, names, lifecycle);
  addReflection(router, services, healthFiles());
  const port = await bind(server, host, deps.port);
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
