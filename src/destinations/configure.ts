import { timestampMs } from "@bufbuild/protobuf/wkt";
import type { Destination } from "../../gen/availability/v1/destination_pb.ts";
import { type Access, credentialStatus } from "../connections/credentials.ts";
import { sealAccess } from "../connections/sealed-access.ts";
import type { Clock } from "../lib/clock.ts";
import { invalid, type Warning } from "../lib/errors.ts";
import { changeRecord } from "../stores/change-record.ts";
import { checkRevision, type Stored } from "../stores/records.ts";
import type { Store } from "../stores/store.ts";
import { destinationConfigured } from "../telemetry/events.ts";
import { type PreparedRequest, queuePresenceRequest } from "../templates/ringcentral.ts";
import { type AcceptDeps, type Accepted, accept } from "./accept.ts";
import { effectiveForm } from "./effective.ts";
import {
  DESTINATION,
  type DestinationRecord,
  placeOf,
  type StoredCredential,
  sameConfiguration,
  sameTemplate,
  storedForm,
} from "./record.ts";
import type { Registry } from "./registry.ts";

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
    const { destination, validateOnly, expectedRevision } = request;
    if (!destination) {
      const description = "is absent, expected a destination";
      throw invalid("configure destination", [{ field: "destination", reason: "REQUIRED", description }]);
    }
    const { id } = destination;
    const { store, registry } = deps;
    const change = { kind: DESTINATION, id, action: "configure", store, registry };
    const { write, answer } = await changeRecord(change, (stored) => {
      const checkStored = () => checkRevision(DESTINATION.noun, id, stored, expectedRevision);
      const accepted = accept(destination, stored, { ...deps, action: "configure", checkStored });
      const next = nextRecord(accepted, stored, deps);
      const answer = {
        destination: next.message,
        effective: effectiveForm(next.message, accepted.compiled),
        request: queuePresenceRequest(accepted.compiled.queue),
        warnings: accepted.warnings,
      };
      return { write: validateOnly || next === stored.record ? undefined : next, answer };
    });
    if (write) destinationConfigured({ destinationId: id, revision: write.message.revision });
    return answer;
  };
}

/** The record to be stored; the stored one itself when nothing changes. */
function nextRecord(
  accepted: Accepted,
  { record, lastRevision }: Stored<DestinationRecord>,
  deps: ConfigureDeps,
): DestinationRecord {
  const { destination, access, kept } = accepted;
  if (record && kept && sameConfiguration(record.message, destination)) return record;
  const revision = lastRevision + 1n;
  const now = deps.clock.now();
  return {
    message: storedForm(destination, {
      revision,
      createdAt: record?.message.createTime ? timestampMs(record.message.createTime) : now,
      updatedAt: now,
      credentialStatus: access.kind === "connection" ? undefined : credentialStatus(access, deps.fingerprint(access)),
    }),
    credential: record && kept ? record.credential : storedCredential(accepted, deps),
    templateRevision: record && kept && sameTemplate(record.message, destination) ? record.templateRevision : revision,
  };
}

function storedCredential(
  { access, destination, compiled }: Accepted,
  { keyring }: ConfigureDeps,
): StoredCredential | undefined {
  if (access.kind === "connection") return undefined;
  const { origin, accountId } = compiled.queue;
  return { ...sealAccess(access, placeOf(destination.id), origin, keyring), accountId };
}
