import { type Client, createClient, createRouterTransport } from "@connectrpc/connect";
import { AvailabilityService } from "../../../gen/availability/v1/availability_service_pb.ts";
import { ConnectionService } from "../../../gen/availability/v1/connection_service_pb.ts";
import { DestinationService } from "../../../gen/availability/v1/destination_service_pb.ts";
import type { Answer } from "../../availability/answer.ts";
import { systemClock } from "../../lib/clock.ts";
import { Lifecycle } from "../guard-lifecycle.ts";
import { createGuards } from "../guards.ts";
import { createRoutes } from "../routes.ts";
import { validate } from "../validate.ts";

type RouteDeps = Parameters<typeof createRoutes>[0];

export const ANSWER: Answer = {
  destinationId: "sales",
  accepted: true,
  verdict: "ACCEPTED",
  reason: "CRITERIA_MET",
  message: "2 matches, needs more than 0",
  measured: 2,
  agents: { total: 2, unknown: 0 },
  availableAgents: undefined,
  observedAt: 1_767_614_400_123.25,
  validUntil: 1_767_614_410_123.25,
  source: "CACHE",
  destinationRevision: 1n,
  version: 1_767_614_400_000_001n,
  retryAt: undefined,
};

/** Clients of the service as the listeners serve it, guards included, without a listener; what is not given fails. */
export function clientsOf(deps: Partial<RouteDeps>): {
  availability: Client<typeof AvailabilityService>;
  destinations: Client<typeof DestinationService>;
  connections: Client<typeof ConnectionService>;
} {
  const missing = () => {
    throw new Error("this test needs more of the service");
  };
  const lifecycle = new Lifecycle({ clock: systemClock });
  lifecycle.serve();
  const registry = { get: missing, page: missing };
  const all: RouteDeps = {
    check: missing,
    explainedCheck: missing,
    testDestination: missing,
    evaluateAcceptance: missing,
    prepare: missing,
    board: { get: missing },
    watch: missing,
    configure: missing,
    demandWarnings: () => [],
    remove: missing,
    connections: registry,
    configureConnection: missing,
    removeConnection: missing,
    usersOf: () => [],
    status: () => undefined,
    listCallQueues: missing,
    registry,
    history: { list: missing },
    overrides: { get: () => undefined, set: missing, clear: missing },
    clock: systemClock,
    ...deps,
  };
  const interceptors = createGuards({ validate, lifecycle });
  const transport = createRouterTransport(createRoutes(all), { router: { interceptors } });
  return {
    availability: createClient(AvailabilityService, transport),
    destinations: createClient(DestinationService, transport),
    connections: createClient(ConnectionService, transport),
  };
}
