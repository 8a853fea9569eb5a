import {
  type AgentCounts,
  type Availability,
  ReasonSchema,
  Source,
  Verdict,
} from "../gen/availability/v1/availability_pb.ts";

/** One availability as a line for people: time, destination, what a router would do, why, and the queue's agents. */
export function availabilityLine(availability: Availability, at: Date): string {
  const { destinationId, accepted, verdict, reason, message, agents, source } = availability;
  const undecided = verdict === Verdict.UNDECIDED ? ` (undecided: ${ReasonSchema.value[reason]?.localName})` : "";
  const time = at.toLocaleTimeString("en-GB");
  const word = accepted ? "ACCEPTED" : "REJECTED";
  const way = source === Source.PUSH ? "push" : source === Source.NONE ? "" : "read";
  return `${time}  ${destinationId.padEnd(8)} ${way.padEnd(4)}  ${word}${undecided}  ${message}${agents ? `  [${countsText(agents)}]` : ""}`;
}

function countsText(counts: AgentCounts): string {
  const parts = [
    [counts.total, "agents"],
    [counts.available, "available"],
    [counts.accepting, "opted in"],
    [counts.doNotDisturb, "on Do Not Disturb"],
    [counts.onCall, "on a call"],
    [counts.unknown || undefined, "unknown"],
  ] as const;
  return parts
    .filter(([count]) => count !== undefined)
    .map(([count, what]) => `${count} ${what}`)
    .join(", ");
}

/** What the demo says before the first change. `http` and `grpc` are addresses such as "127.0.0.1:8080". */
export function banner(addresses: { http: string; grpc: string; origin: string }): string {
  const { http, grpc, origin } = addresses;
  const method = `http://${http}/availability.v1.AvailabilityService/Check`;
  return `
Service    http://${http} (Connect, gRPC-Web, gRPC), ${grpc} (gRPC)
RingCentral is simulated at ${origin}: agents come and go.
A line below is a change: "push" says that RingCentral told of it, "read" that it was asked. Ctrl-C ends the demo.

Ask for yourself:
  curl -s -H 'content-type: application/json' -d '{"destinationId":"sales"}' ${method}

Cut the push, and see it recover:
  curl -s -d '{"cut":"abrupt"}' ${origin}/simulator/sockets
`;
}
