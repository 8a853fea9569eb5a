import { destinationDeleted } from "../telemetry/events.ts";
import type { ConfigureDeps } from "./configure.ts";
import { DESTINATIONS, encodeRecord, type Tombstone } from "./record.ts";
import { notFound } from "./registry.ts";
import { busy, MOST_TRIES, readStored } from "./stored.ts";

/** Removes a destination and keeps its last revision. Rejects with ServiceError NOT_FOUND. */
export function createDelete(deps: Pick<ConfigureDeps, "store" | "registry">) {
  return async (id: string): Promise<void> => {
    for (let tries = 1; ; tries++) {
      const stored = await readStored(deps.store, id);
      if (!stored.exists) throw notFound("delete", id);
      const tombstone: Tombstone = { deletedRevision: stored.lastRevision };
      const put = await deps.store.put(`${DESTINATIONS}${id}`, encodeRecord(tombstone), { expected: stored.revision });
      if (put.ok) {
        deps.registry.apply(id, tombstone, put.revision);
        return destinationDeleted({ destinationId: id, revision: stored.lastRevision });
      }
      if (tries === MOST_TRIES) throw busy("delete", id);
    }
  };
}
