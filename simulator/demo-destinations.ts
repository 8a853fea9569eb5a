import type { MessageInitShape } from "@bufbuild/protobuf";
import { AgentCount, Condition } from "../gen/availability/v1/acceptance_pb.ts";
import type { DestinationSchema } from "../gen/availability/v1/destination_pb.ts";

/** The demo's destinations: `sales` with the default criteria, `support` by a count of agents. */
export function demoDestinations(
  origin: string,
  token: string,
  queues: readonly string[],
): MessageInitShape<typeof DestinationSchema>[] {
  const common = (callQueueId: string) => ({
    template: {
      case: "ringCentral" as const,
      value: {
        accountId: "~",
        callQueueId,
        serverUrl: origin,
        access: { case: "credential" as const, value: { kind: { case: "bearerToken" as const, value: token } } },
      },
    },
    // Short, so that a change in the queue is a line on the screen two seconds later.
    freshness: { maxAge: { seconds: 2n } },
  });
  return [
    { id: "sales", displayName: "Sales: anyone opted in", ...common(queues[0]!) },
    {
      id: "support",
      displayName: "Support: two free of Do Not Disturb",
      ...common(queues[1]!),
      acceptance: {
        criterion: { case: "agents", value: { count: AgentCount.AVAILABLE } },
        condition: Condition.GREATER_THAN_OR_EQUAL,
        value: 2,
      },
    },
  ];
}
