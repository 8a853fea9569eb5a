import type { Call, Route } from "./call.ts";
import * as errors from "./errors.ts";
import { extensionUri } from "./extension-presence.ts";
import { pageOf } from "./paging.ts";
import { addressesOf, inAccount, type Resources } from "./presence-routes.ts";
import { platformReply, type Reply } from "./reply.ts";
import type { Queue } from "./world.ts";

/** The routes of call queues: the list, one, and its members. */
export function queueRoutes(resources: Resources): Route[] {
  const readAccounts = { method: "GET", permissions: ["ReadAccounts"] } as const;
  return [
    {
      ...readAccounts,
      name: "call-queues",
      pattern: /^\/restapi\/v1\.0\/account\/([^/]+)\/call-queues$/,
      group: "medium",
      highlyAvailable: true,
      handle: (call) => inAccount(call, resources, () => listReply(call, resources)),
    },
    {
      ...readAccounts,
      name: "call-queue",
      pattern: /^\/restapi\/v1\.0\/account\/([^/]+)\/call-queues\/([^/]+)$/,
      group: "light",
      highlyAvailable: false,
      handle: (call) => inAccount(call, resources, () => queueReply(call, resources)),
    },
    {
      ...readAccounts,
      name: "members",
      pattern: /^\/restapi\/v1\.0\/account\/([^/]+)\/call-queues\/([^/]+)\/members$/,
      group: "light",
      highlyAvailable: true,
      handle: (call) => inAccount(call, resources, () => membersReply(call, resources)),
    },
  ];
}

function listReply({ query, limitHeaders: headers }: Call, resources: Resources): Reply {
  const { world, layout } = resources;
  const addresses = addressesOf(resources);
  const uri = `${addresses.origin}/restapi/v1.0/account/${world.accountId}/call-queues`;
  const member = query.get("memberExtensionId");
  const queues = member === null ? world.queueIds.map((id) => world.queue(id)) : world.queuesOf(member);
  const page = pageOf(queues, { query, uri, limitHeaders: headers });
  if (!("items" in page)) return page;
  const { items, navigation, paging } = page;
  const records = items.map((queue) => queueRecord(queue, resources));
  return platformReply(200, { uri, records, navigation, paging }, { layout, headers });
}

function queueReply({ params, limitHeaders: headers }: Call, resources: Resources): Reply {
  const { world, layout } = resources;
  const queue = world.find(params[1]!);
  if (!queue) return errors.noResource("groupId", headers);
  const details = {
    ...queueRecord(queue, resources),
    serviceLevelSettings: { slaGoal: 80, slaThresholdSeconds: 30, includeAbandonedCalls: true },
    editableMemberStatus: true,
    alertTimer: 20,
  };
  return platformReply(200, details, { layout, headers });
}

function membersReply({ params, query, limitHeaders: headers }: Call, resources: Resources): Reply {
  const { world, layout } = resources;
  const queue = world.find(params[1]!);
  if (!queue) return errors.noResource("groupId", headers);
  const addresses = addressesOf(resources);
  const uri = `${addresses.origin}/restapi/v1.0/account/${world.accountId}/call-queues/${queue.id}/members`;
  const page = pageOf(queue.members, { query, uri, limitHeaders: headers });
  if (!("items" in page)) return page;
  const { items, navigation, paging } = page;
  // The member's id is a number here, and text in queue presence.
  const records = items.map(({ agent: { id, extensionNumber } }) => ({
    uri: extensionUri(addresses, id),
    id: Number(id),
    extensionNumber,
  }));
  return platformReply(200, { uri, records, navigation, paging }, { layout, headers });
}

function queueRecord({ id, extensionNumber, name, status }: Queue, resources: Resources) {
  return {
    uri: extensionUri(addressesOf(resources), id),
    id,
    extensionNumber,
    name,
    status,
    site: { id: "main-site", name: "Main Site" },
  };
}
