import type { Destination } from "../../gen/availability/v1/destination_pb.ts";
import { chooseAccess } from "../connections/choose-access.ts";
import { type Access, sameAccess } from "../connections/credentials.ts";
import { openIfPossible } from "../connections/sealed-access.ts";
import { invalid, type Warning } from "../lib/errors.ts";
import { Problems } from "../lib/problems.ts";
import { quote } from "../lib/quote.ts";
import type { Keyring } from "../lib/sealing.ts";
import type { Stored } from "../stores/records.ts";
import type { RingCentralQueue } from "../templates/ringcentral.ts";
import type { Connections, DestinationAccess } from "./access.ts";
import { type CompiledDestination, compileDestination } from "./compile.ts";
import { connectionIdOf, type DestinationRecord, placeOf } from "./record.ts";

const CREDENTIAL = "destination.ring_central.credential";

/** A destination that may be stored, and asked. */
export interface Accepted {
  readonly destination: Destination;
  readonly compiled: CompiledDestination;
  readonly access: DestinationAccess;
  /** The credential is the stored one, for the same place; with a connection, nothing is stored either. */
  readonly kept: boolean;
  readonly warnings: readonly Warning[];
}

export interface AcceptDeps {
  readonly keyring: Keyring;
  readonly allowList: { allows(origin: string): boolean };
  readonly connections: Connections;
}

/**
 * Checks everything about a destination at once; throws with every violation. `checkStored` throws when the revision
 * that the caller counts on does not hold.
 */
export function accept(
  destination: Destination,
  { record }: Stored<DestinationRecord>,
  deps: AcceptDeps & { readonly action: string; readonly checkStored?: () => void },
): Accepted {
  const problems = new Problems();
  const refuse = () => invalid(`${deps.action} destination ${quote(destination.id)}`, problems.violations);
  const result = compileDestination(destination, deps);
  if ("violations" in result) problems.violations.push(...result.violations);
  const queue = "violations" in result ? result.queue : result.compiled.queue;
  const before = openIfPossible(record?.credential, placeOf(destination.id), deps.keyring);
  const access = accessOf(destination, queue, record, before, problems);
  if ("violations" in result) throw refuse();
  // Who counts on another revision is told so first: what is wrong beside the stored one may be right beside his.
  deps.checkStored?.();
  if (!access) throw refuse();
  return { destination, ...result, access, kept: isKept(access, result.compiled.queue, record, before) };
}

/** How RingCentral will be told who asks; undefined with violations in `problems`, or without a template. */
function accessOf(
  destination: Destination,
  queue: RingCentralQueue | undefined,
  record: DestinationRecord | undefined,
  before: Access | undefined,
  problems: Problems,
): DestinationAccess | undefined {
  if (destination.template.case !== "ringCentral") return undefined;
  const connectionId = connectionIdOf(destination);
  if (connectionId !== undefined) return { kind: "connection", connectionId };
  const { access } = destination.template.value;
  const stored = record?.credential;
  const given = access.case === "credential" ? access.value : undefined;
  const otherAccount = queue && stored && queue.accountId !== stored.accountId;
  const elsewhere = otherAccount ? `the stored one is for account ${quote(stored.accountId)}` : undefined;
  return chooseAccess({ given, stored, before, origin: queue?.origin, elsewhere }, CREDENTIAL, problems);
}

function isKept(
  access: DestinationAccess,
  { origin, accountId }: RingCentralQueue,
  record: DestinationRecord | undefined,
  before: Access | undefined,
): boolean {
  const stored = record?.credential;
  if (access.kind === "connection") return record !== undefined && stored === undefined;
  const samePlace = stored?.origin === origin && stored.accountId === accountId;
  return samePlace && before !== undefined && sameAccess(before, access);
}
