import { create } from "@bufbuild/protobuf";
import type { ServiceImpl } from "@connectrpc/connect";
import type { Connection } from "../../../gen/availability/v1/connection_pb.ts";
import {
  ConfigureConnectionResponseSchema,
  type ConnectionService,
  DeleteConnectionResponseSchema,
  GetConnectionResponseSchema,
  ListCallQueuesResponseSchema,
  ListConnectionsResponseSchema,
} from "../../../gen/availability/v1/connection_service_pb.ts";
import type { createConfigureConnection } from "../../connections/configure-connection.ts";
import type { ConnectionRegistry } from "../../connections/connection-registry.ts";
import type { createDeleteConnection } from "../../connections/delete-connection.ts";
import { ServiceError, type Warning } from "../../lib/errors.ts";
import type { ConnectionStatus } from "../../ringcentral/connection-status.ts";
import { notFound } from "../../stores/change-record.ts";
import { connectionMessage } from "../convert-connection.ts";
import { pageOf, pageSize, parsePageToken } from "../paging.ts";

/** A call queue as RingCentral names it. */
export interface CallQueue {
  /** The internal id. */
  readonly id: string;
  readonly extensionNumber: string;
  readonly name: string;
  readonly status: string;
}

export function connectionHandlers(deps: {
  connections: Pick<ConnectionRegistry, "get" | "page">;
  /** The ids of the destinations that use a connection. */
  usersOf: (connectionId: string) => readonly string[];
  configureConnection: ReturnType<typeof createConfigureConnection>;
  removeConnection: ReturnType<typeof createDeleteConnection>;
  /** How a connection is doing; undefined when nothing is known of it yet. */
  status: (connectionId: string) => ConnectionStatus | undefined;
  /** Every call queue that a connection's token sees. Rejects with ServiceError. */
  listCallQueues: (connectionId: string) => Promise<readonly CallQueue[]>;
}): ServiceImpl<typeof ConnectionService> {
  const { connections } = deps;
  return {
    async configureConnection({ connection: given, validateOnly, expectedRevision }) {
      const configured = await deps.configureConnection({ connection: given, validateOnly, expectedRevision });
      const connection = shown(configured.connection);
      const warnings: Warning[] = [...configured.warnings, ...connection.warnings];
      return create(ConfigureConnectionResponseSchema, { connection, warnings });
    },

    getConnection({ connectionId }) {
      const entry = connections.get(connectionId);
      if (!entry) throw notFound("get", "connection", connectionId);
      return create(GetConnectionResponseSchema, { connection: shown(entry.message, entry.invalid) });
    },

    listConnections(request) {
      const size = pageSize(request.pageSize);
      // One more than asked for tells whether there is a next page.
      const found = connections.page({ after: parsePageToken(request.pageToken) ?? "", size: size + 1 });
      const { page, nextPageToken } = pageOf(found, size);
      const shownOnes = page.map(({ message, invalid }) => shown(message, invalid));
      return create(ListConnectionsResponseSchema, { connections: shownOnes, nextPageToken });
    },

    async deleteConnection({ connectionId }) {
      await deps.removeConnection(connectionId);
      return create(DeleteConnectionResponseSchema);
    },

    async listCallQueues({ connectionId, pageSize: asked, pageToken }) {
      const entry = connections.get(connectionId);
      if (!entry) throw notFound("list call queues of", "connection", connectionId);
      if (entry.invalid !== "") {
        const state = `Cannot list call queues of connection "${connectionId}": ${entry.invalid}`;
        throw new ServiceError("UNAVAILABLE", state);
      }
      const after = parsePageToken(pageToken) ?? "";
      const all = await deps.listCallQueues(connectionId);
      const rest = all.filter(({ id }) => id > after).sort((a, b) => (a.id < b.id ? -1 : 1));
      const { page, nextPageToken } = pageOf(rest, pageSize(asked));
      return create(ListCallQueuesResponseSchema, { callQueues: [...page], nextPageToken });
    },
  };

  /** As configured, and as it is doing; one that cannot be used says why as its last error. */
  function shown(configured: Connection, invalid = ""): Connection {
    const { id } = configured;
    const destinationCount = deps.usersOf(id).length;
    const message = connectionMessage(configured, { status: deps.status(id), destinationCount });
    if (invalid !== "") message.lastError = invalid;
    return message;
  }
}
