import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { AgentCount } from "../gen/availability/v1/acceptance_pb.ts";
import { PushState } from "../gen/availability/v1/connection_pb.ts";
import { PresenceDetail } from "../gen/availability/v1/destination_pb.ts";
import { type Child, startChild } from "../simulator/child.ts";
import { DEFAULT_APP, jwtsOf } from "../simulator/oauth-apps.ts";
import { type Clients, openClients, type Way } from "../test/support/clients.ts";
import { AS_BY_NPM_START } from "./npm-start.ts";
import { type ProcessUsage, usageOf } from "./process-usage.ts";
import { commandOf, type Ends } from "./program.ts";
import { type SimulatorControl, simulatorControl } from "./simulator-control.ts";

export interface StageOptions {
  readonly queues: number;
  readonly agents: number;
  /** How many connections the destinations are spread over, each of a user of its own; one unless set. */
  readonly connections?: number;
  /** Only by polling: the app lacks the permission for WebSockets. */
  readonly polling?: boolean;
  /** Calls that come to the queues; none unless set. */
  readonly callsPerSecond?: number;
  /** Limits that nothing here reaches, in place of RingCentral's. */
  readonly ampleLimits?: boolean;
  /** The service on a core of its own, the simulator on the others, where the machine allows. */
  readonly pinned?: boolean;
  /** Further environment of the service. */
  readonly serviceEnv?: Readonly<Record<string, string>>;
}

/** What destinations ask: the default criteria of queue presence, or how many agents are free by joined presence. */
export type Asked = "queue" | "joined";

/** A service and the simulated RingCentral it asks, each a process of its own, joined by a connection with a JWT. */
export interface Stage {
  readonly origin: string;
  /** Ids of the simulator's queues. */
  readonly queues: readonly string[];
  readonly simulator: SimulatorControl;
  /** An access token of a user of its own, whose calls nobody else's budget feels. */
  readonly token: string;
  /** Where the service listens. */
  readonly addresses: Addresses;
  /** What the service has used so far. */
  usage(): ProcessUsage;
  /** Clients of one way in, opened once. */
  by(way: Way): Clients;
  /** Configures one destination per queue; resolves to their ids, in the order of the queues. */
  configure(asked: Asked, maxAgeSeconds?: number): Promise<string[]>;
  /** Resolves when push is live. */
  live(): Promise<void>;
}

interface Addresses {
  readonly http: string;
  readonly grpc: string;
}

const TOKEN = "bench-token";
const GRPC: Way = "grpc-js on the gRPC port";
const AMPLE = "10000000";
const PORTS = { HTTP_PORT: "0", GRPC_PORT: "0" };
const AT_A_TIME = 20;
const PATIENCE_MS = 120_000;

/** Starts a stage; `ends` ends what was started, also when the start fails. `onDied` hears of a program that ends by itself. */
export async function startStage(options: StageOptions, { ends, onDied }: Ends): Promise<Stage> {
  const watched = (child: Child<unknown>) => {
    ends.defer(() => child.stop());
    child.died.catch(onDied);
  };
  const { polling, callsPerSecond = 0, ampleLimits, pinned, serviceEnv, connections: users = 1 } = options;
  const limits = ["--limit", "--limit-medium", "--limit-heavy", "--limit-auth"].flatMap((flag) => [flag, AMPLE]);
  const simulated = startChild(
    "simulator",
    [
      join(import.meta.dirname, "../simulator/main.ts"),
      ...["--queues", `${options.queues}`, "--agents", `${options.agents}`, "--interval", "0", "--token", TOKEN],
      ...["--users", `${users}`],
      ...(polling ? ["--scope", "ReadAccounts ReadPresence"] : []),
      ...(callsPerSecond > 0 ? ["--load", `${callsPerSecond}`] : []),
      ...(ampleLimits ? limits : []),
    ],
    ({ origin, queues }) => (typeof origin === "string" ? { origin, queues: queues as string[] } : undefined),
    { command: commandOf([process.execPath], pinned ? "load" : undefined) },
  );
  watched(simulated);
  const { origin, queues } = await simulated.ready;
  const { PATH = "", HOME = "" } = process.env;
  const service = startChild(
    "service",
    [...AS_BY_NPM_START, join(import.meta.dirname, "../src/main.ts")],
    ({ msg, http, grpc }) => (msg === "ready" ? { http: String(http), grpc: String(grpc) } : undefined),
    {
      env: { PATH, HOME, ...serviceEnv, ...PORTS, STORE_URL: "sqlite::memory:", UPSTREAM_ALLOW: origin },
      command: commandOf([process.execPath], pinned ? "server" : undefined),
    },
  );
  watched(service);
  const addresses = await service.ready;

  const opened = new Map<Way, ReturnType<typeof openClients>>();
  ends.defer(() => {
    for (const { close } of opened.values()) close();
  });
  const by = (way: Way) => {
    const clients = opened.get(way) ?? openClients(way, addresses);
    opened.set(way, clients);
    return clients.clients;
  };
  const { clientId, clientSecret, jwts } = DEFAULT_APP;
  const { connections, availability } = by(GRPC);
  const connectionIds: string[] = [];
  for (const { jwt } of jwtsOf(jwts[0], users)) {
    const grant = { case: "jwt" as const, value: jwt };
    const credential = { kind: { case: "oauth" as const, value: { clientId, clientSecret, grant } } };
    const id = `bench-${connectionIds.length}`;
    connectionIds.push(id);
    await connections.configureConnection({ connection: { id, serverUrl: origin, credential } });
  }

  return {
    origin,
    queues,
    simulator: simulatorControl(origin),
    token: TOKEN,
    addresses,
    usage: () => usageOf(service.pid!),
    by,
    async configure(asked, maxAgeSeconds) {
      const all = queues.map((queueId, index) => ({
        ...destination(queueId, asked, connectionIds[index % connectionIds.length]!),
        ...(maxAgeSeconds !== undefined && { freshness: { maxAge: { seconds: BigInt(maxAgeSeconds) } } }),
      }));
      for (let next = 0; next < all.length; next += AT_A_TIME) {
        const some = all.slice(next, next + AT_A_TIME);
        await Promise.all(some.map((destination) => availability.configure({ destination })));
      }
      return all.map(({ id }) => id);
    },
    async live() {
      const end = Date.now() + PATIENCE_MS;
      for (;;) {
        const { connection } = await connections.getConnection({ connectionId: connectionIds[0]! });
        if (connection?.pushState === PushState.LIVE) return;
        if (Date.now() > end) throw new Error(`Cannot wait for push: not live, ${connection?.lastError}`);
        await wait(50);
      }
    },
  };
}

function destination(callQueueId: string, asked: Asked, connectionId: string) {
  const access = { case: "connectionId" as const, value: connectionId };
  const presenceDetail = asked === "queue" ? PresenceDetail.QUEUE : PresenceDetail.QUEUE_AND_EXTENSION;
  const available = { case: "agents" as const, value: { count: AgentCount.AVAILABLE } };
  return {
    id: `queue-${callQueueId}`,
    template: { case: "ringCentral" as const, value: { callQueueId, access, presenceDetail } },
    ...(asked === "joined" && { acceptance: { criterion: available } }),
  };
}
