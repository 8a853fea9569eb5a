import { ServiceError } from "../lib/errors.ts";
import { deleteRecord } from "../stores/change-record.ts";
import type { Store } from "../stores/store.ts";
import { connectionDeleted } from "../telemetry/events.ts";
import type { ConnectionRegistry } from "./connection-registry.ts";
import { CONNECTION } from "./record.ts";

const MOST_NAMED = 5;

export interface DeleteConnectionDeps {
  readonly store: Store;
  readonly connections: Pick<ConnectionRegistry, "apply">;
  /** The ids of the destinations that use a connection, in order. */
  readonly usersOf: (connectionId: string) => readonly string[];
}

/**
 * Removes a connection and keeps its last revision. Rejects with ServiceError: NOT_FOUND, ABORTED while destinations
 * use it. A destination that begins to use it at the same moment is invalid until the connection comes back: there is no
 * transaction over both.
 */
export function createDeleteConnection({ store, connections, usersOf }: DeleteConnectionDeps) {
  return async (id: string): Promise<void> => {
    const change = { kind: CONNECTION, id, store, registry: connections };
    const revision = await deleteRecord(change, () => refuseWhileUsed(id, usersOf(id)));
    connectionDeleted({ connectionId: id, revision });
  };
}

function refuseWhileUsed(id: string, users: readonly string[]): void {
  const count = users.length;
  if (count === 0) return;
  const named = users.slice(0, MOST_NAMED).map((user) => `"${user}"`);
  const more = count > named.length ? `, and ${count - named.length} more` : "";
  const which = `${count} ${count === 1 ? "destination uses" : "destinations use"} it: ${named.join(", ")}${more}`;
  throw new ServiceError("ABORTED", `Cannot delete connection "${id}": ${which}`, {
    metadata: { destination_count: String(count) },
  });
}
