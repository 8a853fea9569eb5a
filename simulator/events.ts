import { type Agent, shownPresence } from "./agent.ts";
import { activeCalls } from "./extension-presence.ts";
import type { Subscription } from "./filters.ts";
import type { News } from "./news.ts";
import type { Switches } from "./switches.ts";

/** A piece of news as it is sent: what it is about, and the body. */
export interface PushedEvent {
  readonly event: string;
  readonly body: object;
}

/** The event a subscription is sent for a piece of news, or undefined when it is not told of that. */
export function eventFor(
  news: News,
  subscription: Subscription,
  deps: { accountId: string; switches: Switches; nextSequence: (extensionId: string) => number },
): PushedEvent | undefined {
  const account = `/restapi/v1.0/account/${deps.accountId}`;
  if (news.kind === "membership") {
    if (!subscription.queueIds.has(news.queueId)) return undefined;
    return { event: `${account}/call-queues/${news.queueId}/presence`, body: queueBody(news, deps.switches) };
  }
  const { agent, before } = news;
  const detailed = subscription.extensions.get(agent.id) ?? subscription.account?.detailed;
  if (detailed === undefined || !agent.allowSeeMyPresence) return undefined;
  const sequence = deps.nextSequence(agent.id);
  // News of the account, too, name the one extension.
  const event = `${account}/extension/${agent.id}/presence${detailed ? "?detailedTelephonyState=true" : ""}`;
  return { event, body: extensionBody(agent, before, { detailed, sequence, switches: deps.switches }) };
}

// Neither says anything of Do Not Disturb.
function queueBody({ queueId, member }: Extract<News, { kind: "membership" }>, { queueEvents }: Switches): object {
  const { agent, acceptCurrentQueueCalls } = member;
  if (queueEvents === "records") return { records: [{ member: { id: agent.id }, acceptCurrentQueueCalls }] };
  return { extensionId: agent.id, callQueueId: queueId, acceptCalls: acceptCurrentQueueCalls };
}

function extensionBody(
  agent: Agent,
  before: Agent,
  { detailed, sequence, switches }: { detailed: boolean; sequence: number; switches: Switches },
): object {
  const { presenceStatus, telephonyStatus, userStatus, ...dnd } = shownPresence(agent);
  const told = switches.telephonyStatus === "always" || agent.telephonyStatus !== before.telephonyStatus;
  return {
    extensionId: switches.extensionIds === "number" ? Number(agent.id) : agent.id,
    ...(told && { telephonyStatus }),
    ...(detailed && { totalActiveCalls: 0, ...activeCalls(agent) }),
    sequence,
    presenceStatus,
    userStatus,
    meetingStatus: "Disconnected",
    ...dnd,
    allowSeeMyPresence: true,
    ringOnMonitoredCall: false,
    pickUpCallsOnHold: false,
  };
}
