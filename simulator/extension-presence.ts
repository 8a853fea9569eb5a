import { type Agent, shownPresence } from "./agent.ts";

/** Where an account's documents point. */
export interface Addresses {
  readonly origin: string;
  readonly accountId: string;
}

/** The presence of one extension, as the platform shows it: its id is a number here. */
export function extensionPresence(agent: Agent, addresses: Addresses, detailed = false): Record<string, unknown> {
  const head = presenceHead(agent, addresses);
  if (!agent.allowSeeMyPresence) return { ...head, allowSeeMyPresence: false };
  const { presenceStatus, telephonyStatus, userStatus, ...dnd } = shownPresence(agent);
  return {
    ...head,
    presenceStatus,
    telephonyStatus,
    userStatus,
    ...dnd,
    meetingStatus: "Disconnected",
    allowSeeMyPresence: true,
    ringOnMonitoredCall: false,
    pickUpCallsOnHold: false,
    ...(detailed && activeCalls(agent)),
  };
}

/** The presence of a queue's own extension, which says nothing. */
export function departmentPresence(
  extension: { id: string; extensionNumber: string },
  addresses: Addresses,
): Record<string, unknown> {
  return { ...presenceHead(extension, addresses), presenceStatus: "Offline" };
}

/** What `detailedTelephonyState` adds. */
export function activeCalls(agent: Agent): Record<string, unknown> {
  if (agent.telephonyStatus === "NoCall") return { activeCalls: [] };
  const call = {
    id: `call-${agent.id}`,
    direction: "Inbound",
    from: "+16505550100",
    to: agent.extensionNumber,
    telephonyStatus: agent.telephonyStatus,
    sessionId: `${agent.id}00`,
  };
  return { activeCalls: [call], totalActiveCalls: 1 };
}

export function extensionUri({ origin, accountId }: Addresses, extensionId: string): string {
  return `${origin}/restapi/v1.0/account/${accountId}/extension/${extensionId}`;
}

function presenceHead({ id, extensionNumber }: { id: string; extensionNumber: string }, addresses: Addresses) {
  const uri = extensionUri(addresses, id);
  return { uri: `${uri}/presence`, extension: { uri, id: Number(id), extensionNumber } };
}
