import { timestampMs } from "@bufbuild/protobuf/wkt";
import type { Destination } from "../../gen/availability/v1/destination_pb.ts";
import type { Clock } from "../lib/clock.ts";
import { invalid, ServiceError, type Warning } from "../lib/errors.ts";
import type { Store } from "../stores/store.ts";
import { destinationConfigured } from "../telemetry/events.ts";
import { type PreparedRequest, queuePresenceRequest } from "../templates/ringcentral.ts";
import { type AcceptDeps, type Accepted, accept } from "./accept.ts";
import type { Access } from "../connections/credentials.ts";
import { effectiveForm } from "./effective.ts";
import {
  DESTINATIONS,
  type DestinationRecord,
  encodeRecord,
  sameConfiguration,
  sameTemplate,
  sealAccess,
  storedForm,
} from "./record.ts";
import type { Registry } from "./registry.ts";
import { busy, MOST_TRIES, readStored, type Stored } from "./stored.ts";

export interface ConfigureDeps extends AcceptDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly registry: Pick<Registry, "apply">;
  /** 12 hex digits that tell two credentials apart. */
  readonly fingerprint: (access: Access) => string;
}

export interface Configured {
  readonly destination: Destination;
  readonly effective: Destination;
  readonly request: PreparedRequest;
  readonly warnings: readonly Warning[];
}

/**
 * Creates or replaces a destination. Rejects with ServiceError: INVALID_ARGUMENT with every violation, ABORTED when
 * `expectedRevision` does not hold, UNAVAILABLE when the store is down. Once it resolves, the configuration is durable.
 */
export function createConfigure(deps: ConfigureDeps) {
  return async (request: {
    destination: Destination | undefined;
    validateOnly: boolean;
    expectedRevision: bigint | undefined;
  }): Promise<Configured> => {
    const { destination, expectedRevision } = request;
    if (!destination) {
      const description = "is absent, expected a destination";
      throw invalid("configure destination", [{ field: "destination", reason: "REQUIRED", description }]);
    }
    const { id } = destination;
    for (let tries = 1; ; tries++) {
      const stored = await readStored(deps.store, id);
      const accepted = accept(destination, stored, {
        ...deps,
        action: "configure",
        checkRevision: () => checkRevision(id, stored, expectedRevision),
      });
      const next = nextRecord(accepted, stored, deps);
      const answer = {
        destination: next.message,
        effective: effectiveForm(next.message, accepted.compiled),
        request: queuePresenceRequest(accepted.compiled.queue),
        warnings: accepted.warnings,
      };
      if (request.validateOnly || next === stored.record) return answer;
      const put = await deps.store.put(`${DESTINATIONS}${id}`, encodeRecord(next), { expected: stored.revision });
      if (put.ok) {
        deps.registry.apply(id, next, put.revision);
        destinationConfigured({ destinationId: id, revision: next.message.revision });
        return answer;
      }
      if (tries === MOST_TRIES) throw busy("configure", id);
    }
  };
}

function checkRevision(id: string, stored: Stored, expected: bigint | undefined): void {
  const current = stored.exists ? stored.lastRevision : 0n;
  if (expected === undefined || expected === current) return;
  throw new ServiceError(
    "ABORTED",
    `Cannot configure destination "${id}": its revision is ${current}, expected ${expected}`,
    { metadata: { current_revision: current.toString() } },
  );
}

/** The record to be stored; the stored one itself when nothing changes. */
function nextRecord(accepted: Accepted, stored: Stored, deps: ConfigureDeps): DestinationRecord {
  const { destination, compiled, access, kept } = accepted;
  const { record } = stored;
  if (record && kept && sameConfiguration(record.message, destination)) return record;
  const revision = stored.lastRevision + 1n;
  const now = deps.clock.now();
  return {
    message: storedForm(destination, {
      revision,
      createdAt: record?.message.createTime ? timestampMs(record.message.createTime) : now,
      updatedAt: now,
      access,
      fingerprint: deps.fingerprint(access),
    }),
    credential: kept ?? sealAccess(access, destination.id, compiled.queue, deps.keyring),
    templateRevision: record && kept && sameTemplate(record.message, destination) ? record.templateRevision : revision,
  };
}
