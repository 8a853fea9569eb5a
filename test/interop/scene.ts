import { create } from "@bufbuild/protobuf";
import { type Client, createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-web";
import { RegexType } from "../../gen/availability/v1/acceptance_pb.ts";
import {
  AvailabilityService,
  type CheckResponse,
  type ConfigureRequest,
  ConfigureRequestSchema,
  type ConfigureResponse,
  type WatchResponse,
} from "../../gen/availability/v1/availability_service_pb.ts";
import { startSimulator } from "../../simulator/server.ts";
import { type Refusal, refusalOf } from "./refusal.ts";
import { startService } from "./service.ts";

export const destinationId = "support";
export const unknownId = "nobody";

/** What every client is asked to do, and what it must get. */
export interface Scene {
  /** Addresses of the two ports, host and port. */
  readonly grpc: string;
  readonly http: string;
  /** Equal to what is stored: it writes nothing, so that the next client finds what the last one found. */
  readonly configure: ConfigureRequest;
  /** Breaks more than one rule. */
  readonly invalidConfigure: ConfigureRequest;
  readonly configured: ConfigureResponse;
  readonly checked: CheckResponse;
  readonly watched: readonly WatchResponse[];
  readonly invalid: Refusal;
  readonly unknown: Refusal;
  close(): Promise<void>;
}

/** A simulator, a service and one destination; the answers to expect were taken with connect-web over HTTP/1.1. */
export async function startScene(): Promise<Scene> {
  await using running = new AsyncDisposableStack();
  const simulator = await startSimulator();
  running.defer(() => simulator.close());
  const service = await startService(simulator.origin);
  running.defer(() => service.stop());

  const client = createClient(AvailabilityService, createConnectTransport({ baseUrl: `http://${service.http}` }));
  const configure = configureRequest(simulator.origin, simulator.world.queueIds[0] ?? "", simulator.token);
  const invalidConfigure = create(ConfigureRequestSchema, { destination: { id: "not an id" } });
  await client.configure(configure);
  await client.check({ destinationId });
  const answers = {
    configured: await client.configure(configure),
    checked: await client.check({ destinationId }),
    watched: await watchUntilSynced(client),
    invalid: await refusalOf(client.configure(invalidConfigure)),
    unknown: await refusalOf(client.check({ destinationId: unknownId })),
  };
  const keep = running.move();
  return {
    ...answers,
    configure,
    invalidConfigure,
    grpc: service.grpc,
    http: service.http,
    close: () => keep.disposeAsync(),
  };
}

function configureRequest(serverUrl: string, callQueueId: string, token: string): ConfigureRequest {
  return create(ConfigureRequestSchema, {
    destination: {
      id: destinationId,
      displayName: "Kø 1 ✓",
      labels: { team: "support" },
      template: {
        case: "ringCentral",
        value: {
          callQueueId,
          serverUrl,
          access: { case: "credential", value: { kind: { case: "bearerToken", value: token } } },
        },
      },
      acceptance: {
        criterion: { case: "regex", value: { type: RegexType.COUNT, pattern: '"acceptCurrentQueueCalls": true' } },
        value: 0,
      },
      // One read serves everything that is asked here, so that answers can be compared field by field.
      freshness: { maxAge: { seconds: 300n } },
    },
  });
}

async function watchUntilSynced(client: Client<typeof AvailabilityService>): Promise<WatchResponse[]> {
  const events: WatchResponse[] = [];
  for await (const event of client.watch({ destinationIds: [destinationId] })) {
    events.push(event);
    if (event.event.case === "synced") break;
  }
  return events;
}
