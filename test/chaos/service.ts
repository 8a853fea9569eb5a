import type { Availability } from "../../gen/availability/v1/availability_pb.ts";
import type { Simulator } from "../../simulator/server.ts";
import { startApp } from "../../src/app.ts";
import type { Clock } from "../../src/lib/clock.ts";
import { parseSettings } from "../../src/settings.ts";
import { openClients } from "../support/clients.ts";
import { duration } from "../support/destinations.ts";
import { type Asked, chaosDestination } from "./queues.ts";

const CONNECTION = "main";

/** The service in this process, on the clock of a test. */
export interface ServiceOnClock {
  configure(asked: readonly Asked[]): Promise<void>;
  check(asked: Asked, maxWaitMs?: number): Promise<Availability>;
  stop(): Promise<void>;
}

/** `filtersPerSocket`: as the operator has it unless given. */
export async function startServiceOn(
  clock: Clock,
  simulator: Simulator,
  { filtersPerSocket }: { filtersPerSocket?: number | undefined },
): Promise<ServiceOnClock> {
  const settings = parseSettings({
    HTTP_PORT: "0",
    GRPC_PORT: "0",
    STORE_URL: "sqlite::memory:",
    UPSTREAM_ALLOW: simulator.origin,
    ...(filtersPerSocket !== undefined && { PUSH_FILTERS_PER_SOCKET: String(filtersPerSocket) }),
  });
  const app = await startApp(settings, { telemetry: { metricsHandler: (_, response) => void response.end() }, clock });
  const { clients, close } = openClients("grpc-js on the gRPC port", app);
  return {
    async configure(asked) {
      const { clientId, clientSecret, jwt } = simulator.client;
      const oauth = { clientId, clientSecret, grant: { case: "jwt" as const, value: jwt } };
      await clients.connections.configureConnection({
        connection: {
          id: CONNECTION,
          serverUrl: simulator.origin,
          credential: { kind: { case: "oauth" as const, value: oauth } },
        },
      });
      for (const one of asked) {
        await clients.availability.configure({ destination: chaosDestination(one, CONNECTION) });
      }
    },
    async check({ id }, maxWaitMs) {
      const { availability } = await clients.availability.check({
        destinationId: id,
        ...(maxWaitMs !== undefined && { maxWait: duration(maxWaitMs) }),
      });
      return availability!;
    },
    async stop() {
      close();
      await app.shutdown();
    },
  };
}
