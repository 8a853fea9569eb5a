import type { JsonObject, JsonValue } from "@bufbuild/protobuf";
import { type DescMethodBiDiStreaming, type DescMethodServerStreaming, fromJson, toJson } from "@bufbuild/protobuf";
import { AvailabilityService } from "../../gen/availability/v1/availability_service_pb.ts";
import { ConnectionService } from "../../gen/availability/v1/connection_service_pb.ts";
import { DestinationService } from "../../gen/availability/v1/destination_service_pb.ts";
import { DEFAULT_APP } from "../../simulator/oauth-apps.ts";
import type { RunningService } from "./service.ts";
import { watching } from "./watching.ts";

/** One RPC, what it is for, and a request whose answer is worth seeing. */
export interface Example {
  readonly rpc: string;
  readonly purpose: string;
  /** What is sent, as JSON: one message, or those of a stream. */
  request(service: RunningService): JsonValue;
  /** Makes the call; one message, or those of a stream. Unary calls are made over Connect unless it is given. */
  call?(service: RunningService, request: JsonValue): Promise<JsonValue[]>;
  /** What has to have happened before. */
  before?(service: RunningService): Promise<void>;
}

const AN_HOUR = 3_600_000;
const SALES = { destinationId: "sales" };
const MAIN = { connectionId: "main" };
const OAUTH = {
  oauth: { clientId: DEFAULT_APP.clientId, clientSecret: DEFAULT_APP.clientSecret, jwt: DEFAULT_APP.jwts[0] },
};
const MORE_THAN_ONE = {
  regex: { type: "REGEX_TYPE_COUNT", pattern: '"acceptCurrentQueueCalls": true' },
  condition: "CONDITION_GREATER_THAN",
  value: 1,
};
const PAGE_SAMPLE = `{ "records": [
  { "extension": { "id": "12345", "extensionNumber": "345" }, "acceptCurrentQueueCalls": true },
  { "extension": { "id": "12346", "extensionNumber": "346" }, "acceptCurrentQueueCalls": false } ] }`;

const sales = ({ simulator }: RunningService): JsonObject => ({
  id: "sales",
  displayName: "Sales, English",
  labels: { team: "sales" },
  ringCentral: {
    callQueueId: simulator.world.queueIds[0]!,
    credential: { bearerToken: simulator.token },
    serverUrl: simulator.origin,
  },
  acceptance: MORE_THAN_ONE,
  freshness: { maxAge: "60s" },
});

/** One Check that reads, so that what comes after it is the newest. */
async function readNow(service: RunningService): Promise<void> {
  await service.check("sales", { maxAgeMs: 0 });
}

/** In the order in which they are made; each lives on what those before it left. */
export const EXAMPLES: readonly Example[] = [
  {
    rpc: "Configure",
    purpose: `Creates or replaces a whole destination. The answer shows it as stored and with every default filled in, the
request that will be sent, and warnings: what is allowed and probably not meant. \`validateOnly\` stores nothing;
\`expectedRevision\` refuses to overwrite what somebody else changed. A later Configure without a credential keeps the
stored one.`,
    request: (service) => ({ destination: sales(service) }),
  },
  {
    rpc: "Check",
    purpose: `Answers for one destination, now. \`maxAge\` and \`maxWait\` narrow how old the answer may be and how long it may
take; \`"explain": true\` adds an explanation as TestDestination gives it, of exactly this answer.`,
    request: () => ({ ...SALES, maxAge: "3s" }),
  },
  {
    rpc: "BatchCheck",
    purpose: "Answers up to 500 checks at once, each judged alone: `results[i]` answers `checks[i]`.",
    request: () => ({ checks: [SALES, { destinationId: "nobody" }] }),
  },
  {
    rpc: "CheckStream",
    purpose: `Checks on one stream, answered in the order in which the answers are known; \`requestId\` says which is which. At most
1,024 may be unanswered. Half-close, and the rest is answered before the stream ends OK.`,
    request: () => [
      { requestId: "1", check: SALES },
      { requestId: "2", check: { destinationId: "nobody" } },
      { requestId: "", check: SALES },
    ],
    async call({ by }, request) {
      const { checkStream } = AvailabilityService.method satisfies { checkStream: DescMethodBiDiStreaming };
      async function* requests() {
        for (const one of request as JsonValue[]) yield fromJson(checkStream.input, one);
      }
      const answers: JsonValue[] = [];
      for await (const answer of by("connect-node gRPC on the gRPC port").availability.checkStream(requests())) {
        answers.push(toJson(checkStream.output, answer));
      }
      return answers;
    },
  },
  {
    rpc: "Watch",
    purpose: `Streams the state of destinations: one message for each, \`synced\`, then what changes, and a heartbeat every 15 seconds.
No ids = all of them, now and later. A \`passive\` watcher sees what others cause and never makes the service call
RingCentral. Here two agents leave the queue after \`synced\`, and a Check sees it.`,
    request: () => ({ destinationIds: ["sales", "nobody"], passive: true }),
    async call(service, request) {
      const { watch } = AvailabilityService.method satisfies { watch: DescMethodServerStreaming };
      const stream = watching(service.availability, fromJson(watch.input, request));
      await stream.untilKind("synced");
      const { world } = service.simulator;
      for (const member of [0, 1]) world.set(world.queueIds[0]!, member, { acceptCurrentQueueCalls: false });
      await readNow(service);
      await stream.untilState(({ accepted }) => !accepted);
      stream.leave();
      return stream.events.map((event) => toJson(watch.output, event));
    },
  },
  {
    rpc: "GetDestination",
    purpose: "A destination as configured. Of its credential only the kind and a fingerprint are ever shown.",
    request: () => SALES,
  },
  {
    rpc: "ListDestinations",
    purpose: "All destinations in the order of their ids, page by page, narrowed by labels.",
    request: () => ({ labelSelector: { team: "sales" }, pageSize: 1 }),
    async before({ availability, simulator }) {
      const template = { ...sales({ simulator } as RunningService), id: "sales-night", disabled: true };
      await availability.configure(fromJson(AvailabilityService.method.configure.input, { destination: template }));
    },
  },
  {
    rpc: "ListTemplates",
    purpose: "The ways to ask, with every field that a form has to have.",
    request: () => ({}),
  },
  {
    rpc: "TestDestination",
    purpose: `Asks RingCentral now, for a saved destination or for one that is not saved yet, and explains the answer. It changes
nothing: no snapshot, no back-off, no state. It obeys the rate limit. The token is in no part of the answer.`,
    request: () => SALES,
  },
  {
    rpc: "EvaluateAcceptance",
    purpose: `Applies criteria to a body that you have, for trying a pattern or a path out. Nobody is called. \`responseBody\` is bytes,
base64 in JSON.`,
    request: () => ({ acceptance: MORE_THAN_ONE, responseBody: Buffer.from(PAGE_SAMPLE).toString("base64") }),
  },
  {
    rpc: "GetPresence",
    purpose: "The agents of the newest snapshot, after `onlyExtensions`. It never calls RingCentral.",
    request: () => SALES,
  },
  {
    rpc: "ListUpstreamCalls",
    purpose: `The last 100 calls to RingCentral for a destination, newest first, each attempt by itself; \`rcRequestId\` is what
RingCentral's support asks for, \`traceId\` leads to the span. Here the newest met a proxy's error and was retried.`,
    request: () => ({ ...SALES, pageSize: 2 }),
    async before(service) {
      service.simulator.faults.add({ kind: "proxy-error" });
      await readNow(service);
    },
  },
  {
    rpc: "SetOverride",
    purpose: `Sets the answer of destinations by hand, by ids or by labels, for 24 hours at most. Checks are then answered
\`REASON_OVERRIDDEN\` and RingCentral is not asked.`,
    request: () => ({
      labelSelector: { team: "sales" },
      accepted: false,
      expiresAt: new Date(Date.now() + AN_HOUR).toISOString(),
      note: "Fire drill",
    }),
  },
  {
    rpc: "ClearOverride",
    purpose: "Ends overrides before their time; the answer names those that had one.",
    request: () => ({ destinationIds: ["sales"] }),
  },
  {
    rpc: "ListAvailabilityHistory",
    purpose: `What the availability was, and how Checks were answered per minute: why was the call of 10:41 not routed? The first
change is the state in force at \`startTime\`; \`startTime\` = \`endTime\` asks for one moment.`,
    request: () => SALES,
  },
  {
    rpc: "DeleteDestination",
    purpose: "Deletes a destination. Its history stays, and its id counts its revisions on when it comes again.",
    request: () => SALES,
  },
  {
    rpc: "ConfigureConnection",
    purpose: `Creates or replaces a connection, under the rules of Configure: \`validateOnly\`, \`expectedRevision\`, and without a
credential the stored one stays, as long as the server does. \`oauth\` takes a \`jwt\`, a \`refreshToken\` or
\`clientCredentials\`; a pasted \`bearerToken\` works until it ends, which is worth a warning.`,
    request: ({ simulator }) => ({ connection: { id: "main", serverUrl: simulator.origin, credential: OAUTH } }),
  },
  {
    rpc: "GetConnection",
    purpose: `A connection and how it is doing: when its tokens end, what is left of RingCentral's rate limit groups, push, how many
destinations use it, how many queues are in demand, how old answers are at best, the newest failure, and warnings. Here a
destination uses it and was just asked about.`,
    request: () => MAIN,
    async before(service) {
      const { credential: _, ...ringCentral } = sales(service).ringCentral as JsonObject;
      const destination = { ...sales(service), ringCentral: { ...ringCentral, ...MAIN } };
      const { input } = AvailabilityService.method.configure;
      await service.availability.configure(fromJson(input, { destination }));
      await readNow(service);
    },
  },
  {
    rpc: "ListConnections",
    purpose: "All connections in the order of their ids, page by page.",
    request: () => ({ pageSize: 1 }),
  },
  {
    rpc: "ListCallQueues",
    purpose: `The call queues that the connection's token sees, for choosing one: \`id\` is what a destination wants as
\`callQueueId\`. It asks RingCentral.`,
    request: () => ({ ...MAIN, pageSize: 1 }),
  },
  {
    rpc: "DeleteConnection",
    purpose:
      "Deletes a connection that no destination uses any more; else it is ABORTED and names some of those that do.",
    request: () => MAIN,
    async before({ destinations }) {
      await destinations.deleteDestination(SALES);
    },
  },
];

/** Every RPC that works, in the order of the protos. */
export const RPCS = [...AvailabilityService.methods, ...DestinationService.methods, ...ConnectionService.methods].map(
  (method) => ({
    name: method.name,
    service: method.parent.name,
    path: `/${method.parent.typeName}/${method.name}`,
  }),
);
