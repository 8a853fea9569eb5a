import { randomUUID } from "node:crypto";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { AgentCount, Condition } from "../gen/availability/v1/acceptance_pb.ts";
import type { ConnectionSchema } from "../gen/availability/v1/connection_pb.ts";
import { type DestinationSchema, PresenceDetail } from "../gen/availability/v1/destination_pb.ts";

/** The demo's connection: an app that gets its own tokens by a JWT. */
export function demoConnection(
  origin: string,
  credential: { clientId: string; clientSecret: string; jwt: string },
): MessageInitShape<typeof ConnectionSchema> {
  const { clientId, clientSecret, jwt } = credential;
  const oauth = { clientId, clientSecret, grant: { case: "jwt" as const, value: jwt } };
  return { id: "demo", serverUrl: origin, credential: { kind: { case: "oauth" as const, value: oauth } } };
}

/** A JWT as far as its form goes; the simulator knows it by its text. */
export function demoJwt(): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  return [part({ alg: "none" }), part({ jti: randomUUID() }), "demo"].join(".");
}

/** The demo's destinations: `sales` with the default criteria, `support` by a count of agents who are free now. */
export function demoDestinations(queues: readonly string[]): MessageInitShape<typeof DestinationSchema>[] {
  const template = (callQueueId: string, presenceDetail: PresenceDetail) => ({
    case: "ringCentral" as const,
    value: { callQueueId, access: { case: "connectionId" as const, value: "demo" }, presenceDetail },
  });
  // By polling, two queues this new would take more calls than RingCentral allows.
  const freshness = { maxAge: { seconds: 2n } };
  return [
    {
      id: "sales",
      displayName: "Sales: anyone opted in",
      template: template(queues[0]!, PresenceDetail.QUEUE),
      freshness,
    },
    {
      id: "support",
      displayName: "Support: two free to talk",
      template: template(queues[1]!, PresenceDetail.QUEUE_AND_EXTENSION),
      freshness,
      acceptance: {
        criterion: { case: "agents", value: { count: AgentCount.AVAILABLE } },
        condition: Condition.GREATER_THAN_OR_EQUAL,
        value: 2,
      },
    },
  ];
}
