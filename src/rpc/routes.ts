import type { ConnectRouter } from "@connectrpc/connect";
import { AvailabilityService } from "../../gen/availability/v1/availability_service_pb.ts";
import { ConnectionService } from "../../gen/availability/v1/connection_service_pb.ts";
import { DestinationService } from "../../gen/availability/v1/destination_service_pb.ts";
import { checkHandlers } from "./handlers/check.ts";
import { checkStreamHandlers } from "./handlers/check-stream.ts";
import { configureHandlers } from "./handlers/configure.ts";
import { connectionHandlers } from "./handlers/connections.ts";
import { destinationHandlers } from "./handlers/destinations.ts";
import { historyHandlers } from "./handlers/history.ts";
import { overrideHandlers } from "./handlers/overrides.ts";
import { presenceHandlers } from "./handlers/presence.ts";
import { templateHandlers } from "./handlers/templates.ts";
import { testHandlers } from "./handlers/try-destination.ts";
import { watchHandlers } from "./handlers/watch.ts";

type RouteDeps = Parameters<typeof checkHandlers>[0] &
  Parameters<typeof checkStreamHandlers>[0] &
  Parameters<typeof watchHandlers>[0] &
  Parameters<typeof configureHandlers>[0] &
  Parameters<typeof connectionHandlers>[0] &
  Parameters<typeof destinationHandlers>[0] &
  Parameters<typeof historyHandlers>[0] &
  Parameters<typeof overrideHandlers>[0] &
  Parameters<typeof presenceHandlers>[0] &
  Parameters<typeof testHandlers>[0];

/** Registers every service with a listener's router; a method without a handler answers UNIMPLEMENTED. */
export function createRoutes(deps: RouteDeps) {
  return (router: Pick<ConnectRouter, "service">): void => {
    router.service(AvailabilityService, {
      ...checkHandlers(deps),
      ...checkStreamHandlers(deps),
      ...watchHandlers(deps),
      ...configureHandlers(deps),
    });
    router.service(DestinationService, {
      ...destinationHandlers(deps),
      ...historyHandlers(deps),
      ...overrideHandlers(deps),
      ...presenceHandlers(deps),
      ...templateHandlers(),
      ...testHandlers(deps),
    });
    router.service(ConnectionService, connectionHandlers(deps));
  };
}
