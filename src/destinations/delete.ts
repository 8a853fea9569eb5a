import { deleteRecord } from "../stores/change-record.ts";
import { destinationDeleted } from "../telemetry/events.ts";
import type { ConfigureDeps } from "./configure.ts";
import { DESTINATION } from "./record.ts";

/** Removes a destination and keeps its last revision. Rejects with ServiceError NOT_FOUND. */
export function createDelete({ store, registry }: Pick<ConfigureDeps, "store" | "registry">) {
  return async (id: string): Promise<void> => {
    const revision = await deleteRecord({ kind: DESTINATION, id, store, registry });
    destinationDeleted({ destinationId: id, revision });
  };
}
