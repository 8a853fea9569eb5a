import { type BulkEntry, bulkReply, MOST_EXTENSIONS } from "./bulk.ts";
import type { Call, Route } from "./call.ts";
import * as errors from "./errors.ts";
import { departmentPresence, extensionPresence, extensionUri } from "./extension-presence.ts";
import { withoutFlag } from "./fault-replies.ts";
import type { Layout } from "./layout.ts";
import { pageOf } from "./paging.ts";
import { queuePresence } from "./presence.ts";
import { platformReply, type Reply } from "./reply.ts";
import type { Switches } from "./switches.ts";
import type { World } from "./world.ts";

/** What the documents are made from. */
export interface Resources {
  readonly world: World;
  readonly switches: Switches;
  readonly layout: Layout;
  readonly origin: () => string;
}

/** The routes of presence: of a queue, of one extension or several, of the account, and of an extension's queues. */
export function presenceRoutes(resources: Resources): Route[] {
  const { switches } = resources;
  const readPresence = { method: "GET", permissions: ["ReadPresence"] } as const;
  return [
    {
      ...readPresence,
      name: "queue-presence",
      pattern: /^\/restapi\/v1\.0\/account\/([^/]+)\/call-queues\/([^/]+)\/presence$/,
      group: "light",
      highlyAvailable: false,
      handle: (call) => inAccount(call, resources, () => queueReply(call, resources)),
    },
    {
      ...readPresence,
      name: "account-presence",
      pattern: /^\/restapi\/v1\.0\/account\/([^/]+)\/presence$/,
      group: "heavy",
      highlyAvailable: true,
      handle: (call) => inAccount(call, resources, () => accountReply(call, resources)),
    },
    {
      ...readPresence,
      name: "extension-presence",
      pattern: /^\/restapi\/v1\.0\/account\/([^/]+)\/extension\/([^/]+)\/presence$/,
      group: "light",
      highlyAvailable: true,
      cost: ([, ids = ""]) => (switches.bulkCalls === "each" ? ids.split(",").length : 1),
      handle: (call) => inAccount(call, resources, () => extensionsReply(call, resources)),
    },
    {
      ...readPresence,
      name: "call-queue-presence",
      pattern: /^\/restapi\/v1\.0\/account\/([^/]+)\/extension\/([^/]+)\/call-queue-presence$/,
      group: "light",
      highlyAvailable: false,
      handle: (call) => inAccount(call, resources, () => queuesOfReply(call, resources)),
    },
  ];
}

/** Answers when the account is the simulator's. */
export function inAccount({ params, limitHeaders }: Call, { world }: Resources, handle: () => Reply): Reply {
  const [accountId] = params;
  if (accountId !== "~" && accountId !== world.accountId) return errors.noResource("accountId", limitHeaders);
  return handle();
}

export function addressesOf({ world, origin }: Resources) {
  return { origin: origin(), accountId: world.accountId };
}

function queueReply({ params, fault, limitHeaders: headers }: Call, { world, layout }: Resources): Reply {
  const queue = world.find(params[1]!);
  if (!queue) return errors.noResource("groupId", headers);
  const whole = queuePresence(queue, layout);
  const document = fault?.kind === "flag-missing" ? withoutFlag(whole, fault.flag, fault.records) : whole;
  return platformReply(200, document, { layout, headers });
}

function accountReply({ query, limitHeaders: headers }: Call, resources: Resources): Reply {
  const { world, layout } = resources;
  const addresses = addressesOf(resources);
  const uri = `${addresses.origin}/restapi/v1.0/account/${world.accountId}/presence`;
  const page = pageOf(world.agents, { query, uri, limitHeaders: headers });
  if (!("items" in page)) return page;
  const detailed = query.get("detailedTelephonyState") === "true";
  const records = page.items.map((agent) => extensionPresence(agent, addresses, detailed));
  const { navigation, paging } = page;
  return platformReply(200, { uri, records, navigation, paging }, { layout, headers });
}

function extensionsReply(call: Call, resources: Resources): Reply {
  const { headers, limitHeaders, identity, params, query } = call;
  const ids = params[1]!.split(",").map((id) => (id === "~" ? identity.ownerId : id));
  if (ids.length > MOST_EXTENSIONS) return errors.tooManyExtensions(MOST_EXTENSIONS, limitHeaders);
  const detailed = query.get("detailedTelephonyState") === "true";
  const replies = ids.map((id) => extensionReply(id, { detailed, limitHeaders }, resources));
  if (replies.length === 1) return replies[0]!;
  const entries = replies.map(
    ({ status, body }, index): BulkEntry => ({
      resourceId: ids[index]!,
      href: `${extensionUri(addressesOf(resources), ids[index]!)}/presence`,
      status,
      body: JSON.parse(body),
    }),
  );
  return bulkReply(entries, headers.accept, limitHeaders);
}

function extensionReply(
  id: string,
  { detailed, limitHeaders: headers }: { detailed: boolean; limitHeaders: Record<string, string> },
  resources: Resources,
): Reply {
  const { world, layout } = resources;
  const queue = world.find(id);
  if (queue) return platformReply(200, departmentPresence(queue, addressesOf(resources)), { layout, headers });
  const agent = world.agent(id);
  if (!agent) return errors.noResource("extensionId", headers);
  if (!agent.allowSeeMyPresence) return errors.userPermission("ReadPresenceStatus", headers);
  return platformReply(200, extensionPresence(agent, addressesOf(resources), detailed), { layout, headers });
}

function queuesOfReply({ params, limitHeaders: headers }: Call, { world, layout }: Resources): Reply {
  const extensionId = params[1]!;
  if (!world.agent(extensionId)) return errors.noResource("extensionId", headers);
  const records = world.queuesOf(extensionId).map(({ id, name, extensionNumber, members }) => ({
    callQueue: { id, name, extensionNumber, editableMemberStatus: true },
    // The member's switch, which queue presence calls acceptCurrentQueueCalls.
    acceptCalls: members.find(({ agent }) => agent.id === extensionId)?.acceptCurrentQueueCalls,
  }));
  return platformReply(200, { records }, { layout, headers });
}
