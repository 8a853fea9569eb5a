import { acceptsQueueCalls, type Member } from "./agent.ts";

/** What is true of a queue, for tests to compare answers with. */
export interface Truth {
  total: number;
  /** Opted in to this queue. */
  accepting: number;
  /** Opted out of this queue. */
  optedOut: number;
  /** Taking no queue calls at all. */
  doNotDisturb: number;
  /** Opted in and not on Do Not Disturb: what can be known from queue presence alone. */
  available: number;
  /** In any state of a call. */
  onCall: number;
  /** Available and in no call. */
  idle: number;
  /** Shown as Offline, though calls may reach them. */
  offline: number;
}

export function truthOf(members: readonly Member[]): Truth {
  const count = (holds: (member: Member) => boolean) => members.filter(holds).length;
  const accepts = (member: Member) => member.acceptCurrentQueueCalls && acceptsQueueCalls(member.agent);
  const onCall = ({ agent }: Member) => agent.telephonyStatus !== "NoCall";
  return {
    total: members.length,
    accepting: count((member) => member.acceptCurrentQueueCalls),
    optedOut: count((member) => !member.acceptCurrentQueueCalls),
    doNotDisturb: count((member) => !acceptsQueueCalls(member.agent)),
    available: count(accepts),
    onCall: count(onCall),
    idle: count((member) => accepts(member) && !onCall(member)),
    offline: count(({ agent }) => agent.presenceStatus === "Offline"),
  };
}
