import { join } from "node:path";
import { Code, type Transport } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import {
  type Availability,
  type AvailabilityClient,
  createAvailabilityClient,
  Reason,
  type ReplicaState,
  Source,
} from "../client/src/availability-client.ts";
import { startSimulator } from "../simulator/server.ts";
import { killLeftovers, startProcess } from "./support/child.ts";
import { destinationOf } from "./support/destinations.ts";
import { grpcJsTransport } from "./support/grpc-js.ts";
import { type RunningService, startService, temporaryDirectory } from "./support/service.ts";

const out = { acceptCurrentQueueCalls: false };
const PORTS = {
  "grpc-js on the gRPC port": ({ grpc }) => grpcJsTransport(grpc),
  "Connect over HTTP/1.1": ({ http }) => ({
    transport: createConnectTransport({ baseUrl: `http://${http}`, httpVersion: "1.1" }),
    close: () => {},
  }),
} satisfies Record<string, (addresses: RunningService) => { transport: Transport; close: () => void }>;

let service: RunningService;
const ends: (() => void)[] = [];
beforeAll(async () => {
  service = await startService({ simulator: { queues: 0 } });
});
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) end();
  await vi.waitUntil(async () => (await service.metric("availability_watchers")) === 0, {
    interval: 10,
    timeout: 5000,
  });
});
afterAll(async () => {
  killLeftovers();
  await service.stop();
});

/** What memory says, as soon as it says what is wanted. */
async function fromMemory(client: AvailabilityClient, id: string, wanted: (answer: Availability) => boolean) {
  return vi.waitUntil(
    () => {
      const answer = client.check(id, { maxAgeMs: 30_000 });
      if (!(answer instanceof Promise)) return wanted(answer) && answer;
      answer.catch(() => {});
      return undefined;
    },
    { interval: 5, timeout: 10_000 },
  );
}

let made = 0;

describe.each(Object.entries(PORTS))("a client with local answers by %s", (_, open) => {
  /** A destination of a queue of two agents, and a client that holds it. */
  async function watched(options: Partial<Parameters<typeof createAvailabilityClient>[0]> = {}) {
    const { id: queueId } = service.simulator.world.addQueue(2);
    const id = await service.configure({ id: `local-${++made}`, queueId, maxAgeMs: 2000 });
    const { transport, close } = open(service);
    ends.push(close);
    const client = createAvailabilityClient({ transport, destinationIds: [id], ...options });
    ends.push(() => client.close());
    await client.ready;
    return { id, queueId, client };
  }

  test("answers from memory what Check answers, and changes with it", async () => {
    const { id, queueId, client } = await watched();
    expect(client.state).toBe("READY");
    const accepted = await fromMemory(client, id, ({ accepted }) => accepted);
    expect(accepted).toMatchObject({ reason: Reason.CRITERIA_MET, source: Source.CACHE, measured: 2 });
    expect(await service.check(id, { maxAgeMs: 30_000, maxWaitMs: 0 })).toMatchObject({ version: accepted.version });
    service.simulator.world.setAll(queueId, out);
    const rejected = await fromMemory(client, id, ({ accepted }) => !accepted);
    expect(rejected.reason).toBe(Reason.CRITERIA_NOT_MET);
  });

  test("asks the service for what may not be answered from memory", async () => {
    const { id, client } = await watched();
    const other = await service.configure({ id: `other-${id}`, queueId: service.simulator.world.addQueue(1).id });
    expect(await client.check(other)).toMatchObject({ destinationId: other, source: Source.LIVE });
    expect(await client.check(id, { maxAgeMs: 0 })).toMatchObject({ destinationId: id, source: Source.LIVE });
    await expect(client.check("nobody")).rejects.toMatchObject({ code: Code.NotFound });
  });

  test("holds what a person sets, and what was deleted no more", async () => {
    const { id, client } = await watched();
    const { destinations } = service;
    const expiresAt = { seconds: BigInt(Math.floor(Date.now() / 1000) + 3600), nanos: 0 };
    await destinations.setOverride({ destinationIds: [id], accepted: false, expiresAt });
    const overridden = await fromMemory(client, id, ({ reason }) => reason === Reason.OVERRIDDEN);
    expect(overridden).toMatchObject({ accepted: false, source: Source.NONE });
    await destinations.deleteDestination({ destinationId: id });
    await vi.waitFor(
      () => expect(client.check(id, { maxAgeMs: 30_000 })).rejects.toMatchObject({ code: Code.NotFound }),
      {
        interval: 10,
        timeout: 5000,
      },
    );
  });
});

test("a client comes back to a service that was killed and started again, and forgets what the first one said", async () => {
  const simulator = await startSimulator();
  const directory = await temporaryDirectory();
  const env = { UPSTREAM_ALLOW: simulator.origin, STORE_URL: `sqlite:${join(directory.path, "store.db")}` };
  const first = await startProcess(env);
  const { availability } = first.by("Connect over HTTP/1.1");
  for (const id of ["stays", "goes"]) await availability.configure({ destination: destinationOf(simulator, { id }) });
  const { transport, close } = grpcJsTransport(first.grpc);
  const states: ReplicaState[] = [];
  const client = createAvailabilityClient({ transport, onStateChange: (state) => states.push(state) });
  const before = await fromMemory(client, "stays", ({ accepted }) => accepted);

  first.kill("SIGKILL");
  await first.exit;
  await vi.waitUntil(() => client.state === "STALE", { interval: 5, timeout: 5000 });
  expect(await fromMemory(client, "stays", () => true)).toMatchObject({ version: before.version });
  const port = first.grpc.split(":")[1]!;
  const second = await startProcess({ ...env, GRPC_PORT: port });
  await second.by("Connect over HTTP/1.1").destinations.deleteDestination({ destinationId: "goes" });
  await vi.waitUntil(() => client.state === "READY", { interval: 5, timeout: 15_000 });
  const after = await fromMemory(client, "stays", ({ accepted }) => accepted);
  expect(after.version).toBeGreaterThan(before.version);
  await vi.waitFor(() =>
    expect(client.check("goes", { maxAgeMs: 3_600_000 })).rejects.toMatchObject({ code: Code.NotFound }),
  );
  // All was forgotten in between, or the second service had it already.
  expect(states.slice(0, 2)).toEqual(["READY", "STALE"]);
  client.close();
  close();
  await second.stop();
  await simulator.close();
  await directory.remove();
});
