import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Child, startChild } from "../simulator/child.ts";
import { DEFAULT_APP, jwtsOf } from "../simulator/oauth-apps.ts";
import { type Clients, openClients } from "../test/support/clients.ts";
import { AS_BY_NPM_START } from "./npm-start.ts";
import { type SimulatorControl, simulatorControl } from "./simulator-control.ts";

/** A service while it runs. */
export interface RunningService {
  readonly pid: number;
  /** From the start of its process to its line that it is ready, in milliseconds. */
  readonly startMs: number;
  readonly http: string;
  readonly clients: Clients;
  /** Ends it by SIGTERM; resolves to how long it took to end, in milliseconds. */
  stop(): Promise<number>;
}

/** A simulated RingCentral with many users, and a service over a file that outlives it. */
export interface ScaleStage {
  readonly simulator: SimulatorControl;
  /** The destinations' ids, one queue each. */
  readonly ids: readonly string[];
  start(): Promise<RunningService>;
  /** Configures connections, each of a user of its own, and destinations, each in turn on the next connection. */
  configure(clients: Clients): Promise<void>;
}

interface Lifetime {
  readonly ends: AsyncDisposableStack;
  /** Hears of a program that ends by itself. */
  readonly onDied: (error: Error) => void;
}

const AGENTS_PER_QUEUE = 3;
const AT_A_TIME = 50;

/** Starts the simulator; `ends` ends what was started. */
export async function startScaleStage(
  size: { destinations: number; connections: number },
  { ends, onDied }: Lifetime,
): Promise<ScaleStage> {
  const { destinations, connections } = size;
  const kept = (child: Child<unknown>) => {
    ends.defer(() => child.stop());
    child.died.catch(onDied);
  };
  const directory = await mkdtemp(join(tmpdir(), "availability-bench-"));
  ends.defer(() => rm(directory, { recursive: true }));
  const simulated = startChild(
    "simulator",
    [
      join(import.meta.dirname, "../simulator/main.ts"),
      ...["--queues", `${destinations}`, "--agents", `${destinations * AGENTS_PER_QUEUE}`],
      ...["--users", `${connections}`, "--interval", "0"],
    ],
    ({ origin, queues }) => (typeof origin === "string" ? { origin, queues: queues as string[] } : undefined),
  );
  kept(simulated);
  const { origin, queues } = await simulated.ready;
  const { PATH = "", HOME = "" } = process.env;
  const storeUrl = `sqlite:${join(directory, "availability.db")}`;
  const env = { PATH, HOME, HTTP_PORT: "0", GRPC_PORT: "0", STORE_URL: storeUrl, UPSTREAM_ALLOW: origin };

  return {
    simulator: simulatorControl(origin),
    ids: queues.map(idOf),

    async start() {
      const from = performance.now();
      const service = startChild(
        "service",
        [...AS_BY_NPM_START, join(import.meta.dirname, "../src/main.ts")],
        ({ msg, http, grpc }) => (msg === "ready" ? { http: String(http), grpc: String(grpc) } : undefined),
        { env },
      );
      kept(service);
      const addresses = await service.ready;
      const startMs = performance.now() - from;
      const { clients, close } = openClients("grpc-js on the gRPC port", addresses);
      return {
        pid: service.pid!,
        startMs,
        http: addresses.http,
        clients,
        async stop() {
          close();
          const told = performance.now();
          await service.stop();
          return performance.now() - told;
        },
      };
    },

    async configure({ availability, connections: service }) {
      const { clientId, clientSecret } = DEFAULT_APP;
      await inCrowds(jwtsOf(DEFAULT_APP.jwts[0], connections), ({ jwt }, user) => {
        const oauth = { clientId, clientSecret, grant: { case: "jwt" as const, value: jwt } };
        const credential = { kind: { case: "oauth" as const, value: oauth } };
        return service.configureConnection({ connection: { id: connectionOf(user), serverUrl: origin, credential } });
      });
      await inCrowds(queues, (callQueueId, index) => {
        const access = { case: "connectionId" as const, value: connectionOf(index % connections) };
        const template = { case: "ringCentral" as const, value: { callQueueId, access } };
        return availability.configure({ destination: { id: idOf(callQueueId), template } });
      });
    },
  };
}

function idOf(queueId: string): string {
  return `queue-${queueId}`;
}

function connectionOf(user: number): string {
  return `user-${user + 1}`;
}

async function inCrowds<T>(all: readonly T[], act: (one: T, index: number) => Promise<unknown>): Promise<void> {
  for (let next = 0; next < all.length; next += AT_A_TIME) {
    await Promise.all(all.slice(next, next + AT_A_TIME).map((one, at) => act(one, next + at)));
  }
}
