const DND_STATUSES = [
  "TakeAllCalls",
  "DoNotAcceptDepartmentCalls",
  "TakeDepartmentCallsOnly",
  "DoNotAcceptAnyCalls",
] as const;
const PRESENCE_STATUSES = ["Available", "Busy", "Offline"] as const;
const TELEPHONY_STATUSES = ["NoCall", "Ringing", "CallConnected", "OnHold", "ParkedCall"] as const;

/** Do Not Disturb as the extension has it; it decides `acceptQueueCalls` in every queue of that agent. */
type DndStatus = (typeof DND_STATUSES)[number];
type PresenceStatus = (typeof PRESENCE_STATUSES)[number];
type TelephonyStatus = (typeof TELEPHONY_STATUSES)[number];

/** A person with an extension. */
export interface Agent {
  /** Internal id of the extension, digits. */
  readonly id: string;
  readonly name: string;
  readonly extensionNumber: string;
  dndStatus: DndStatus;
  presenceStatus: PresenceStatus;
  telephonyStatus: TelephonyStatus;
  /** The account is on the new call handling: `dndStatus` is told as dndStatusPersonal and acceptCallQueueCalls. */
  newCallHandling: boolean;
  /** Whether others are shown the agent's presence; queue presence shows the flags all the same. */
  allowSeeMyPresence: boolean;
}

/** An agent in a queue, with the switch for this queue alone. */
export interface Member {
  readonly agent: Agent;
  acceptCurrentQueueCalls: boolean;
}

/** What may be changed about a member; all but `acceptCurrentQueueCalls` belongs to the agent and shows in every queue. */
export interface MemberChange {
  acceptCurrentQueueCalls?: boolean;
  /** Short for `dndStatus`: true is TakeAllCalls, false is DoNotAcceptDepartmentCalls. */
  acceptQueueCalls?: boolean;
  dndStatus?: DndStatus;
  presenceStatus?: PresenceStatus;
  telephonyStatus?: TelephonyStatus;
  newCallHandling?: boolean;
  allowSeeMyPresence?: boolean;
}

const FIRST_NAMES = [
  "James",
  "Maria",
  "Wei",
  "Amara",
  "Lukas",
  "Priya",
  "Diego",
  "Hana",
  "Olga",
  "Samuel",
  "Zoë",
  "Kofi",
];
const LAST_NAMES = [
  "Smith",
  "Garcia",
  "Chen",
  "Okafor",
  "Weber",
  "Nair",
  "Torres",
  "Sato",
  "Ivanova",
  "Dubois",
  "Müller",
];

/** The `index`th agent, counted from 0: always the same person, free and taking all calls. */
export function newAgent(index: number): Agent {
  return {
    id: String(979428000 + index),
    name: `${FIRST_NAMES[index % FIRST_NAMES.length]} ${LAST_NAMES[index % LAST_NAMES.length]}`,
    extensionNumber: String(12101 + index),
    dndStatus: "TakeAllCalls",
    presenceStatus: "Available",
    telephonyStatus: "NoCall",
    newCallHandling: false,
    allowSeeMyPresence: true,
  };
}

/** Whether the agent takes calls of queues at all, as queue presence shows it. */
export function acceptsQueueCalls(agent: Agent): boolean {
  return agent.dndStatus !== "DoNotAcceptAnyCalls" && agent.dndStatus !== "DoNotAcceptDepartmentCalls";
}

/** The statuses of an agent as extension presence and its news show them, in their order. */
export function shownPresence(agent: Agent): Record<string, string | boolean> {
  const { presenceStatus, telephonyStatus, dndStatus } = agent;
  // Busy for a call's sake is no choice of the agent's.
  const userStatus = presenceStatus === "Busy" && telephonyStatus !== "NoCall" ? "Available" : presenceStatus;
  const shown = { presenceStatus, telephonyStatus, userStatus };
  if (!agent.newCallHandling) return { ...shown, dndStatus };
  return {
    ...shown,
    dndStatusPersonal: dndStatus === "DoNotAcceptAnyCalls" ? dndStatus : "TakeAllCalls",
    acceptCallQueueCalls: dndStatus !== "DoNotAcceptDepartmentCalls",
  };
}

/** Applies a change; says what is different now. */
export function applyChange(member: Member, change: MemberChange): { agent: boolean; membership: boolean } {
  const { agent, acceptCurrentQueueCalls: optedBefore } = member;
  const { acceptQueueCalls, acceptCurrentQueueCalls = optedBefore, ...given } = change;
  const before = JSON.stringify(agent);
  member.acceptCurrentQueueCalls = acceptCurrentQueueCalls;
  if (acceptQueueCalls !== undefined && acceptQueueCalls !== acceptsQueueCalls(agent)) {
    agent.dndStatus = acceptQueueCalls ? "TakeAllCalls" : "DoNotAcceptDepartmentCalls";
  }
  Object.assign(agent, Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)));
  return { agent: JSON.stringify(agent) !== before, membership: optedBefore !== acceptCurrentQueueCalls };
}

const ALLOWED: Record<keyof MemberChange, readonly unknown[]> = {
  acceptCurrentQueueCalls: [true, false],
  acceptQueueCalls: [true, false],
  dndStatus: DND_STATUSES,
  presenceStatus: PRESENCE_STATUSES,
  telephonyStatus: TELEPHONY_STATUSES,
  newCallHandling: [true, false],
  allowSeeMyPresence: [true, false],
};

/** The change that came from outside as `input`; throws what is wrong with it. */
export function parseChange(input: Record<string, unknown>): MemberChange {
  for (const [field, value] of Object.entries(input)) {
    const allowed = Object.hasOwn(ALLOWED, field) ? ALLOWED[field as keyof MemberChange] : undefined;
    if (!allowed) throw new Error(`Cannot change "${field}": not one of ${Object.keys(ALLOWED).join(", ")}`);
    if (!allowed.includes(value))
      throw new Error(`Cannot change ${field} to ${JSON.stringify(value)}: not one of ${allowed.join(", ")}`);
  }
  return input;
}
