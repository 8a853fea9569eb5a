import { AgentCount, Condition, RegexType, Scope } from "../../gen/availability/v1/acceptance_pb.ts";
import { PresenceDetail } from "../../gen/availability/v1/destination_pb.ts";
import { acceptsQueueCalls, type Member } from "../../simulator/agent.ts";
import { type DestinationInit, duration } from "../support/destinations.ts";

/** A question put to a queue, in the service's words, in those of whoever has only a regular expression, and in the truth's. */
export interface Kind {
  readonly name: string;
  readonly detail: PresenceDetail;
  readonly criterion: ReturnType<typeof countOf> | typeof AVAILABLE;
  /** The pattern of the guide that comes closest. */
  readonly pattern: string;
  /** Whether the agent is one of those that are counted. */
  readonly counts: (member: Member) => boolean;
  /** The fields of an extension matter, so that it is undecided without them. */
  readonly joined: boolean;
}

const OPTED_IN = '"acceptCurrentQueueCalls": true';
const EXAMPLE_3 = '"acceptCurrentQueueCalls": true.*"presenceStatus": "Available"';
const AVAILABLE = { case: "agents" as const, value: { count: AgentCount.AVAILABLE } };
const countOf = (pattern: string) => ({
  case: "regex" as const,
  value: { type: RegexType.COUNT, scope: Scope.RECORDS, pattern },
});

const takesCalls = (member: Member) => member.acceptCurrentQueueCalls && acceptsQueueCalls(member.agent);

export const KINDS: readonly Kind[] = [
  {
    name: "opted in",
    detail: PresenceDetail.QUEUE,
    criterion: countOf(OPTED_IN),
    pattern: OPTED_IN,
    counts: (member) => member.acceptCurrentQueueCalls,
    joined: false,
  },
  {
    name: "taking calls",
    detail: PresenceDetail.QUEUE,
    criterion: AVAILABLE,
    pattern: OPTED_IN,
    counts: takesCalls,
    joined: false,
  },
  {
    name: "free",
    detail: PresenceDetail.QUEUE_AND_EXTENSION,
    criterion: AVAILABLE,
    pattern: OPTED_IN,
    counts: (member) => takesCalls(member) && member.agent.telephonyStatus === "NoCall",
    joined: true,
  },
  {
    name: "example 3",
    detail: PresenceDetail.QUEUE_AND_EXTENSION,
    criterion: countOf(EXAMPLE_3),
    pattern: EXAMPLE_3,
    counts: ({ acceptCurrentQueueCalls, agent }) => acceptCurrentQueueCalls && agent.presenceStatus === "Available",
    joined: true,
  },
];

/** One queue as routers ask about it. */
export interface Asked {
  readonly id: string;
  readonly queueId: string;
  readonly kind: Kind;
  /** Accepted when more agents than this are counted. */
  readonly moreThan: number;
  readonly maxAgeMs: number;
}

const MAX_AGES_MS = [2_000, 5_000, 10_000, 30_000, 60_000];

/** What is asked about the queues of a world: kinds, ages and numbers in turn, so that each meets each. */
export function askedOf(queueIds: readonly string[]): readonly Asked[] {
  return queueIds.map((queueId, index) => {
    const kind = KINDS[index % KINDS.length]!;
    return {
      id: `queue-${index + 1}`,
      queueId,
      kind,
      // About as many as are counted on average, so that answers change.
      moreThan: (kind.joined ? 1 : 3) + (index % 3),
      maxAgeMs: MAX_AGES_MS[index % MAX_AGES_MS.length]!,
    };
  });
}

/** The destination that asks it, over a named connection. */
export function chaosDestination(
  { id, queueId, kind, moreThan, maxAgeMs }: Asked,
  connectionId: string,
): DestinationInit {
  const access = { case: "connectionId" as const, value: connectionId };
  return {
    id,
    template: { case: "ringCentral", value: { callQueueId: queueId, access, presenceDetail: kind.detail } },
    acceptance: { criterion: kind.criterion, condition: Condition.GREATER_THAN, value: moreThan },
    freshness: { maxAge: duration(maxAgeMs) },
  };
}
