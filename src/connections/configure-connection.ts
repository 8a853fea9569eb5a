import { timestampMs } from "@bufbuild/protobuf/wkt";
import type { Connection } from "../../gen/availability/v1/connection_pb.ts";
import type { Clock } from "../lib/clock.ts";
import { invalid, type Warning } from "../lib/errors.ts";
import { ID_PATTERN } from "../lib/ids.ts";
import { Problems } from "../lib/problems.ts";
import { quote } from "../lib/quote.ts";
import type { Keyring } from "../lib/sealing.ts";
import { changeRecord } from "../stores/change-record.ts";
import { checkRevision, type Stored } from "../stores/records.ts";
import type { Store } from "../stores/store.ts";
import { connectionConfigured } from "../telemetry/events.ts";
import { parseServerUrl } from "../templates/server-url.ts";
import { chooseAccess } from "./choose-access.ts";
import type { ConnectionRegistry } from "./connection-registry.ts";
import { type Access, sameAccess } from "./credentials.ts";
import { CONNECTION, type ConnectionRecord, placeOf, storedForm } from "./record.ts";
import { openIfPossible, sealAccess } from "./sealed-access.ts";

const CREDENTIAL = "connection.credential";

export interface ConfigureConnectionDeps {
  readonly store: Store;
  readonly keyring: Keyring;
  readonly allowList: { allows(origin: string): boolean };
  readonly clock: Clock;
  readonly connections: Pick<ConnectionRegistry, "apply">;
  /** 12 hex digits that tell two credentials apart. */
  readonly fingerprint: (access: Access) => string;
}

export interface ConfiguredConnection {
  /** As configured: what is only known while it runs is not filled in. */
  readonly connection: Connection;
  readonly warnings: readonly Warning[];
}

/**
 * Creates or replaces a connection. Rejects with ServiceError: INVALID_ARGUMENT with every violation, ABORTED when
 * `expectedRevision` does not hold, UNAVAILABLE when the store is down. Once it resolves, the connection is durable.
 */
export function createConfigureConnection(deps: ConfigureConnectionDeps) {
  return async (request: {
    connection: Connection | undefined;
    validateOnly: boolean;
    expectedRevision: bigint | undefined;
  }): Promise<ConfiguredConnection> => {
    const { connection, validateOnly, expectedRevision } = request;
    if (!connection) {
      const description = "is absent, expected a connection";
      throw invalid("configure connection", [{ field: "connection", reason: "REQUIRED", description }]);
    }
    const { id } = connection;
    const { store, connections: registry } = deps;
    const change = { kind: CONNECTION, id, action: "configure", store, registry };
    const { next, write, warnings } = await changeRecord(change, (stored) => {
      const checkStored = () => checkRevision(CONNECTION.noun, id, stored, expectedRevision);
      const accepted = accept(connection, stored, { ...deps, checkStored });
      const next = nextRecord(id, accepted, stored, deps);
      const unchanged = validateOnly || next === stored.record;
      return { next, write: unchanged ? undefined : next, warnings: warningsAbout(accepted.access) };
    });
    if (write) connectionConfigured({ connectionId: id, revision: write.message.revision });
    return { connection: next.message, warnings };
  };
}

interface Accepted {
  readonly origin: string;
  readonly access: Access;
  /** Both are as stored. */
  readonly kept: boolean;
}

/** Checks everything about a connection at once; throws with every violation, or when the revision does not hold. */
function accept(
  { id, serverUrl, credential: given }: Connection,
  { record }: Stored<ConnectionRecord>,
  deps: ConfigureConnectionDeps & { readonly checkStored: () => void },
): Accepted {
  const problems = new Problems();
  const refuse = () => invalid(`configure connection ${quote(id)}`, problems.violations);
  problems.format("connection.id", id, ID_PATTERN);
  const { origin, violation } = parseServerUrl(serverUrl, { ...deps, field: "connection.server_url" });
  if (violation) problems.violations.push(violation);
  const wrongByItself = problems.violations.length > 0;
  const stored = record?.credential;
  const before = openIfPossible(stored, placeOf(id), deps.keyring);
  const access = chooseAccess({ given, stored, before, origin }, CREDENTIAL, problems);
  if (wrongByItself || origin === undefined) throw refuse();
  // Who counts on another revision is told so first: what is wrong beside the stored one may be right beside his.
  deps.checkStored();
  if (!access) throw refuse();
  return { origin, access, kept: stored?.origin === origin && before !== undefined && sameAccess(before, access) };
}

/** The record to be stored; the stored one itself when nothing changes. */
function nextRecord(
  id: string,
  { origin, access, kept }: Accepted,
  { record, lastRevision }: Stored<ConnectionRecord>,
  deps: ConfigureConnectionDeps,
): ConnectionRecord {
  if (record && kept) return record;
  const now = deps.clock.now();
  return {
    message: storedForm(id, {
      origin,
      revision: lastRevision + 1n,
      createdAt: record?.message.createTime ? timestampMs(record.message.createTime) : now,
      updatedAt: now,
      access,
      fingerprint: deps.fingerprint(access),
    }),
    credential: sealAccess(access, placeOf(id), origin, deps.keyring),
  };
}

function warningsAbout(access: Access): Warning[] {
  if (access.kind !== "bearer_token") return [];
  const description =
    "A pasted access token usually ends within an hour and nobody renews it; with oauth the service gets its own";
  return [{ field: `${CREDENTIAL}.bearer_token`, reason: "TOKEN_NOT_RENEWED", description }];
}
