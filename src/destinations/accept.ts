import type { Destination } from "../../gen/availability/v1/destination_pb.ts";
import { invalid, type Warning } from "../lib/errors.ts";
import { quote } from "../lib/quote.ts";
import type { Keyring } from "../lib/sealing.ts";
import type { RingCentralQueue } from "../templates/ringcentral.ts";
import { type CompiledDestination, compileDestination } from "./compile.ts";
import { type Access, parseCredential, sameAccess } from "../connections/credentials.ts";
import { Problems } from "../lib/problems.ts";
import type { DestinationRecord, StoredCredential } from "./record.ts";
import { openStored, type Stored } from "./stored.ts";

const CREDENTIAL = "destination.ring_central.credential";

/** A destination that may be stored, and asked. */
export interface Accepted {
  readonly destination: Destination;
  readonly compiled: CompiledDestination;
  readonly access: Access;
  /** The stored credential, where it is the same. */
  readonly kept: StoredCredential | undefined;
  readonly warnings: readonly Warning[];
}

export interface AcceptDeps {
  readonly keyring: Keyring;
  readonly allowList: { allows(origin: string): boolean };
}

/**
 * Checks everything about a destination at once; throws with every violation. `checkRevision` throws when the revision
 * that the caller counts on does not hold.
 */
export function accept(
  destination: Destination,
  stored: Stored,
  deps: AcceptDeps & { readonly action: string; readonly checkRevision?: () => void },
): Accepted {
  const problems = new Problems();
  const refuse = () => invalid(`${deps.action} destination ${quote(destination.id)}`, problems.violations);
  const result = compileDestination(destination, deps);
  if ("violations" in result) problems.violations.push(...result.violations);
  const queue = "violations" in result ? result.queue : result.compiled.queue;
  const before = openStored(stored.record, destination.id, deps);
  const access = chooseAccess(destination, queue, stored.record, before, problems);
  if ("violations" in result) throw refuse();
  // Whoever counts on another revision is told so first: what is wrong beside the stored one may be right beside his.
  deps.checkRevision?.();
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
