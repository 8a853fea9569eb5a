import { create, type MessageInitShape } from "@bufbuild/protobuf";
import {
  type Destination,
  DestinationSchema,
  RingCentralTemplateSchema,
} from "../../gen/availability/v1/destination_pb.ts";
import { createDeleteConnection } from "../connections/delete-connection.ts";
import { bearerCredential, startConnections, TOKEN } from "../connections/test-connections.ts";
import { createConfigure } from "./configure.ts";
import { createDelete } from "./delete.ts";
import { Registry } from "./registry.ts";

export {
  allowList,
  changesTold,
  fingerprint,
  keyOf,
  OTHER_TOKEN,
  PLATFORM,
  SIMULATOR,
  TOKEN,
  tokenOf,
} from "../connections/test-connections.ts";

type Init<T> = Exclude<T, { $typeName: string }>;
type Template = Init<MessageInitShape<typeof RingCentralTemplateSchema>>;
type Rest = Omit<Init<MessageInitShape<typeof DestinationSchema>>, "template">;

/** A destination that compiles, without a credential unless `template` gives one. */
export function destinationOf(rest: Rest = {}, template: Template = {}): Destination {
  const value = create(RingCentralTemplateSchema, template);
  value.callQueueId = template.callQueueId ?? "400123";
  return create(DestinationSchema, { id: "sales", ...rest, template: { case: "ringCentral", value } });
}

export function bearer(token: string): Template {
  return { access: { case: "credential", value: bearerCredential(token) } };
}

/** A template that asks over a connection. */
export function over(connectionId: string): Template {
  return { access: { case: "connectionId", value: connectionId } };
}

/** A destination that a first Configure takes. */
export function newDestination(rest: Rest = {}, template: Template = {}): Destination {
  return destinationOf(rest, { ...bearer(TOKEN), ...template });
}

/** A service's destinations as they are after a start: on a store in memory unless `over` brings another. */
export async function startDestinations(over: Parameters<typeof startConnections>[0] = {}) {
  const connecting = await startConnections(over);
  const { store, keyring, allowList, fingerprint, clock, connections } = connecting;
  const deps = { store, keyring, allowList, fingerprint, clock, connections };
  const registry = new Registry(deps);
  const events: string[] = [];
  registry.subscribe({
    configured: ({ id, revision }) => events.push(`${id} ${revision}`),
    deleted: (id) => events.push(`${id} deleted`),
  });
  await registry.load();
  const configure = createConfigure({ ...deps, registry });
  return {
    ...deps,
    registry,
    /** What the registry told, in order. */
    events,
    /** Configures with the request's other fields unset. */
    configure: (
      destination: Destination | undefined,
      request: { validateOnly?: boolean; expectedRevision?: bigint | undefined } = {},
    ) => configure({ validateOnly: false, expectedRevision: undefined, ...request, destination }),
    remove: createDelete({ ...deps, registry }),
    configureConnection: connecting.configure,
    removeConnection: createDeleteConnection({ ...deps, usersOf: (id) => registry.usersOf(id) }),
  };
}
