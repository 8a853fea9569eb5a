import type { Identity } from "./oauth.ts";
import type { Switches } from "./switches.ts";
import type { World } from "./world.ts";

/** A filter that will not be served, and why. */
export interface DisabledFilter {
  readonly filter: string;
  readonly reason: string;
  readonly message: string;
}

/** What one subscription is told of. */
export interface Subscription {
  readonly id: string;
  readonly createdAt: number;
  /** As asked for, `~` replaced. */
  readonly eventFilters: readonly string[];
  readonly disabledFilters: readonly DisabledFilter[];
  readonly queueIds: ReadonlySet<string>;
  /** By extension id, whether its calls are told in detail. */
  readonly extensions: ReadonlyMap<string, boolean>;
  /** Every extension; whether their calls are told in detail. Undefined = not all. */
  readonly account: { readonly detailed: boolean } | undefined;
}

const FILTER = /^\/restapi\/v1\.0\/account\/([^/]+)\/(?:(call-queues|extension)\/([^/?]+)\/)?presence(?:\?(.*))?$/;

/** The subscription that comes of these filters; what the platform refuses stands in `disabledFilters`. */
export function subscriptionTo(
  filters: readonly string[],
  who: { id: string; createdAt: number; identity: Identity },
  { world, switches }: { world: World; switches: Switches },
): Subscription {
  const eventFilters: string[] = [];
  const disabledFilters: DisabledFilter[] = [];
  const queueIds = new Set<string>();
  const extensions = new Map<string, boolean>();
  let account: Subscription["account"];
  for (const filter of filters) {
    const real = withIds(filter, who.identity, world);
    const refusal =
      eventFilters.length >= switches.filterLimit
        ? { reason: "SUB-508", message: `More than ${switches.filterLimit} event filters` }
        : refusalOf(real, who.identity, world);
    if (refusal) {
      disabledFilters.push({ filter: real, ...refusal });
      continue;
    }
    eventFilters.push(real);
    const [, , kind, id = "", query] = FILTER.exec(real)!;
    const detailed = new URLSearchParams(query).get("detailedTelephonyState") === "true";
    if (kind === "call-queues") queueIds.add(id);
    else if (kind === "extension") extensions.set(id, detailed);
    else account = { detailed };
  }
  return { id: who.id, createdAt: who.createdAt, eventFilters, disabledFilters, queueIds, extensions, account };
}

function withIds(filter: string, { ownerId }: Identity, { accountId }: World): string {
  return filter.replace("/account/~/", `/account/${accountId}/`).replace("/extension/~/", `/extension/${ownerId}/`);
}

function refusalOf(filter: string, { scope }: Identity, world: World): Omit<DisabledFilter, "filter"> | undefined {
  const [, accountId, kind, id = ""] = FILTER.exec(filter) ?? [];
  if (accountId === undefined) return { reason: "SUB-508", message: `Event filter [${filter}] is invalid` };
  if (accountId !== world.accountId) return { reason: "SUB-406", message: "Subscription to another account" };
  // The presence of a whole account asks for more than that of one of its members.
  const permission = kind === undefined ? "ReadAccounts" : "ReadPresence";
  if (!scope.includes(permission))
    return {
      reason: "CMN-401",
      message: `In order to call this API endpoint, application needs to have [${permission}] permission`,
    };
  if (kind === "call-queues" && !world.find(id))
    return { reason: "CMN-102", message: "Resource for parameter [groupId] is not found" };
  if (kind !== "extension") return undefined;
  if (world.find(id)) return { reason: "SUB-402", message: "Presence feature is disabled for this extension type" };
  const agent = world.agent(id);
  if (!agent) return { reason: "SUB-408", message: "User is not known" };
  if (agent.allowSeeMyPresence) return undefined;
  return { reason: "SUB-403", message: "User disallowed to monitor his presence" };
}
