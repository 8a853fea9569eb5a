import { timestampMs } from "@bufbuild/protobuf/wkt";
import type { Destination } from "../../gen/availability/v1/destination_pb.ts";
import type { Clock } from "../lib/clock.ts";
import { invalid, ServiceError, type Warning } from "../lib/errors.ts";
import { quote } from "../lib/quote.ts";
import { type Keyring, SealingError } from "../lib/sealing.ts";
import type { Revision, Store } from "../stores/store.ts";
import { destinationConfigured, destinationDeleted } from "../telemetry/events.ts";
import { type PreparedRequest, queuePresenceRequest, type RingCentralQueue } from "../templates/ringcentral.ts";
import { type CompiledDestination, compileDestination } from "./compile.ts";
import { type Access, parseCredential, sameAccess } from "./credentials.ts";
import { effectiveForm } from "./effective.ts";
import { ID_PATTERN } from "./limits.ts";
import { Problems } from "./problems.ts";
import {
  DESTINATIONS,
  type DestinationRecord,
  decodeRecord,
  encodeRecord,
  openAccess,
  type StoredCredential,
  sameConfiguration,
  sameTemplate,
  sealAccess,
  storedForm,
  type Tombstone,
} from "./record.ts";
import { notFound, type Registry } from "./registry.ts";

export interface ConfigureDeps {
  readonly store: Store;
  readonly keyring: Keyring;
  readonly allowList: { allows(origin: string): boolean };
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

const CREDENTIAL = "destination.ring_central.credential";
// Writers of one destination take turns; one who loses this often meets somebody who writes without end.
const MOST_TRIES = 10;

/** What the store holds of one destination. */
interface Stored {
  readonly revision: Revision | "absent";
  readonly exists: boolean;
  /** Undefined when there is none, or none that can be read. */
  readonly record: DestinationRecord | undefined;
  /** The last revision of this id, of a deleted destination too; 0 when there never was one. */
  readonly lastRevision: bigint;
}

/** A destination that may be stored. */
interface Accepted {
  readonly destination: Destination;
  readonly compiled: CompiledDestination;
  readonly access: Access;
  /** The stored credential, where it is the same. */
  readonly kept: StoredCredential | undefined;
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
      const stored = await read(deps.store, id);
      const accepted = accept(destination, expectedRevision, stored, deps);
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

/** Removes a destination and keeps its last revision. Rejects with ServiceError NOT_FOUND. */
export function createDelete(deps: Pick<ConfigureDeps, "store" | "registry">) {
  return async (id: string): Promise<void> => {
    for (let tries = 1; ; tries++) {
      const stored = await read(deps.store, id);
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

/** Checks everything about a destination at once; throws with every violation, or when the revision does not hold. */
function accept(
  destination: Destination,
  expectedRevision: bigint | undefined,
  stored: Stored,
  deps: ConfigureDeps,
): Accepted {
  const problems = new Problems();
  const refuse = () => invalid(`configure destination ${quote(destination.id)}`, problems.violations);
  const result = compileDestination(destination, deps);
  if ("violations" in result) problems.violations.push(...result.violations);
  const queue = "violations" in result ? result.queue : result.compiled.queue;
  const before = openStored(stored.record, destination.id, deps);
  const access = chooseAccess(destination, queue, stored.record, before, problems);
  if ("violations" in result) throw refuse();
  // Whoever counts on another revision is told so first: what is wrong beside the stored one may be right beside his.
  checkRevision(destination.id, stored, expectedRevision);
  if (!access) throw refuse();
  const place = stored.record?.credential;
  const samePlace =
    place?.origin === result.compiled.queue.origin && place.accountId === result.compiled.queue.accountId;
  const kept = samePlace && before && sameAccess(before, access) ? stored.record?.credential : undefined;
  return { destination, ...result, access, kept };
}

/** The credential that was given, or the stored one where an absent one may keep it. */
function chooseAccess(
  destination: Destination,
  queue: RingCentralQueue | undefined,
  record: DestinationRecord | undefined,
  before: Access | undefined,
  problems: Problems,
): Access | undefined {
  if (destination.template.case !== "ringCentral") return undefined;
  const { access } = destination.template.value;
  if (access.case === "credential") return parseCredential(access.value, CREDENTIAL, problems);
  if (access.case !== undefined) return undefined;
  const required = (why: string) => {
    problems.add(CREDENTIAL, "REQUIRED", `is absent, and ${why}, expected a credential`);
    return undefined;
  };
  if (!record) return required("none is stored");
  if (!before) return required("the stored one cannot be opened");
  const { origin, accountId } = record.credential;
  if (queue && queue.origin !== origin) return required(`the stored one is for ${quote(origin)}`);
  if (queue && queue.accountId !== accountId) return required(`the stored one is for account ${quote(accountId)}`);
  return before;
}

function openStored(record: DestinationRecord | undefined, id: string, deps: ConfigureDeps): Access | undefined {
  if (!record) return undefined;
  try {
    return openAccess(record.credential, id, deps.keyring);
  } catch (error) {
    if (error instanceof SealingError) return undefined;
    throw error;
  }
}

async function read(store: Store, id: string): Promise<Stored> {
  const entry = ID_PATTERN.test(id) ? await store.get(`${DESTINATIONS}${id}`) : undefined;
  if (!entry) return { revision: "absent", exists: false, record: undefined, lastRevision: 0n };
  const { revision } = entry;
  const record = decodeRecord(entry.value);
  if ("unreadable" in record) return { revision, exists: true, record: undefined, lastRevision: record.revision };
  if ("message" in record) return { revision, exists: true, record, lastRevision: record.message.revision };
  return { revision, exists: false, record: undefined, lastRevision: record.deletedRevision };
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

function busy(action: string, id: string): ServiceError {
  return new ServiceError("ABORTED", `Cannot ${action} destination "${id}": others keep changing it`);
}
