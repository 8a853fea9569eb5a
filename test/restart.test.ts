import { randomBytes } from "node:crypto";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { timestampMs } from "@bufbuild/protobuf/wkt";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { Reason, Source } from "../gen/availability/v1/availability_pb.ts";
import { OnUndecided } from "../gen/availability/v1/destination_pb.ts";
import { type Simulator, startSimulator } from "../simulator/server.ts";
import { killLeftovers, spawnService, startProcess } from "./support/child.ts";
import { connectionOf } from "./support/connections.ts";
import { type DestinationSketch, destinationOf, duration } from "./support/destinations.ts";
import { temporaryDirectory } from "./support/service.ts";

let simulator: Simulator;
let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
beforeAll(async () => {
  simulator = await startSimulator();
  directory = await temporaryDirectory();
});
afterAll(async () => {
  killLeftovers();
  await simulator.close();
  await directory.remove();
});

const storeUrl = (name: string) => `sqlite:${join(directory.path, name, "availability.db")}`;
const start = (name: string, env: Record<string, string> = {}) =>
  startProcess({ STORE_URL: storeUrl(name), UPSTREAM_ALLOW: simulator.origin, ...env });
const configure = ({ by }: Awaited<ReturnType<typeof start>>, sketch: DestinationSketch) =>
  by("Connect over HTTP/1.1").availability.configure({ destination: destinationOf(simulator, sketch) });
// By a read of its own: what was read before a restart may still be young enough.
const check = async ({ by }: Awaited<ReturnType<typeof start>>, destinationId: string) =>
  (await by("grpc-js on the gRPC port").availability.check({ destinationId, maxAge: duration(0) })).availability!;

test("destinations, credentials and revisions outlast the process; the key file is for its owner alone", async () => {
  const first = await start("kept");
  const failure = { onUndecided: OnUndecided.ACCEPT };
  await configure(first, { id: "sales", failure });
  await configure(first, { id: "sales", failure, labels: { team: "a" } });
  await configure(first, { id: "gone" });
  await first.by("Connect over HTTP/1.1").destinations.deleteDestination({ destinationId: "gone" });
  expect((await check(first, "sales")).accepted).toBe(true);
  const stored = await first.by("Connect over HTTP/1.1").destinations.listDestinations({});
  expect(await first.stop()).toBe(0);

  const mode = async (name: string) => (await stat(join(directory.path, "kept", name))).mode & 0o777;
  expect(await mode("secrets.key")).toBe(0o600);
  expect(await mode("availability.db")).toBe(0o600);

  const second = await start("kept");
  expect(await second.by("Connect over HTTP/1.1").destinations.listDestinations({})).toEqual(stored);
  // A real verdict was known before the restart, so the policy ACCEPT holds from the first Check on.
  simulator.faults.add({ kind: "internal-error" });
  expect(await check(second, "sales")).toMatchObject({ accepted: true, reason: Reason.UPSTREAM_UNAVAILABLE });
  simulator.faults.clear();
  const again = await configure(second, { id: "gone" });
  expect(again.destination!.revision).toBe(2n);
  expect(await check(second, "gone")).toMatchObject({ accepted: expect.any(Boolean), destinationRevision: 2n });
  // The stored credential is used with what is configured without one.
  await configure(second, { id: "sales", token: null, failure });
  expect(
    (await second.by("Connect over HTTP/1.1").destinations.getDestination({ destinationId: "sales" })).destination,
  ).toMatchObject({ revision: 3n });
  expect(await second.stop()).toBe(0);
});

test("a stored destination whose server is no longer allowed is DESTINATION_INVALID, and the rest works", async () => {
  const other = await startSimulator();
  try {
    const first = await start("disallowed", { UPSTREAM_ALLOW: `${simulator.origin},${other.origin}` });
    await configure(first, { id: "allowed" });
    await first
      .by("Connect over HTTP/1.1")
      .availability.configure({ destination: destinationOf(other, { id: "refused" }) });
    expect((await check(first, "refused")).accepted).toBe(true);
    await first.stop();
    other.clearRequests();
    const second = await start("disallowed");
    expect(await check(second, "refused")).toMatchObject({
      accepted: false,
      reason: Reason.DESTINATION_INVALID,
      source: Source.NONE,
      message: expect.stringContaining("UPSTREAM_ALLOW"),
    });
    expect(await check(second, "allowed")).toMatchObject({ accepted: true, source: Source.LIVE });
    expect(other.requests).toHaveLength(0);
    await second.stop();
  } finally {
    await other.close();
  }
});

test("what was known of a queue is known after a restart, with its age, and push goes on where it was", async () => {
  const { id: queueId } = simulator.world.addQueue(2);
  const inMemory = async ({ by }: Awaited<ReturnType<typeof start>>) =>
    (await by("grpc-js on the gRPC port").availability.check({ destinationId: "pushed", maxWait: duration(0) }))
      .availability!;
  const first = await start("known");
  const { connections, availability } = first.by("Connect over HTTP/1.1");
  await connections.configureConnection({ connection: connectionOf(simulator) });
  const sketch = { id: "pushed", queueId, connectionId: "main", maxAgeMs: 60_000 };
  await availability.configure({ destination: destinationOf(simulator, sketch) });
  // Push is believed of a queue that was read since it stands.
  await vi.waitFor(
    async () => {
      await check(first, "pushed");
      expect((await inMemory(first)).source).toBe(Source.PUSH);
    },
    { timeout: 10_000, interval: 250 },
  );
  const before = await inMemory(first);
  expect(await first.stop()).toBe(0);
  simulator.world.set(queueId, 0, { acceptCurrentQueueCalls: false });
  simulator.clearRequests();

  const second = await start("known");
  const after = await inMemory(second);
  expect(after).toMatchObject({ accepted: true, measured: 2, source: Source.CACHE });
  expect(timestampMs(after.observedAt!)).toBeGreaterThanOrEqual(timestampMs(before.observedAt!));
  expect(timestampMs(after.observedAt!)).toBeLessThan(Date.now());
  // What changed while nobody listened is told by RingCentral when push is resumed.
  await vi.waitFor(async () => expect(await inMemory(second)).toMatchObject({ measured: 1, source: Source.PUSH }), {
    timeout: 10_000,
    interval: 50,
  });
  expect(simulator.gateway.connections.at(-1)?.recovery).toBe("Successful");
  expect(simulator.requests.map(({ on }) => on)).toEqual(["wstoken", "connect"]);
  expect(await second.stop()).toBe(0);
});

test("a start with another SECRETS_KEY is refused and names the id of the missing one; with both keys it works", async () => {
  const [old, fresh] = [randomBytes(32).toString("base64"), randomBytes(32).toString("base64")];
  const first = await start("keys", { SECRETS_KEY: old });
  await configure(first, { id: "sales" });
  await first.stop();

  const child = spawnService({ STORE_URL: storeUrl("keys"), UPSTREAM_ALLOW: simulator.origin, SECRETS_KEY: fresh });
  expect((await child.exit).code).toBe(1);
  expect(child.said.stderr).toContain(await keyId(old));
  expect(child.said.stdout + child.said.stderr).not.toContain(fresh);

  const both = await start("keys", { SECRETS_KEY: `${fresh},${old}` });
  expect((await check(both, "sales")).accepted).toBe(true);
  await both.stop();
});

async function keyId(base64: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", Buffer.from(base64, "base64"));
  return Buffer.from(digest).toString("hex").slice(0, 8);
}

test("kill -9 in the middle of Configures loses none that was acknowledged", async () => {
  let running = await start("killed");
  const acknowledged = new Map<string, bigint>();
  for (const round of [1, 2]) {
    const { promise: enough, resolve } = Promise.withResolvers<void>();
    let answered = 0;
    let killed = false;
    const writer = async (id: string) => {
      for (let n = 0; !killed; n++) {
        const answer = await configure(running, { id, labels: { round: String(round), n: String(n) } });
        acknowledged.set(id, answer.destination!.revision);
        if (++answered === 60) resolve();
      }
    };
    const writers = ["a", "b", "c", "d"].map((id) => writer(id).catch(() => {}));
    await enough;
    running.kill("SIGKILL");
    killed = true;
    await Promise.all(writers);
    expect((await running.exit).signal).toBe("SIGKILL");

    running = await start("killed");
    const { destinations } = await running.by("Connect over HTTP/1.1").destinations.listDestinations({});
    const found = new Map(destinations.map(({ id, revision }) => [id, revision]));
    // The one under way when it was killed may be there as well; nothing that was answered is missing.
    for (const [id, revision] of acknowledged) {
      expect(found.get(id)! - revision).toBeGreaterThanOrEqual(0n);
      expect(found.get(id)! - revision).toBeLessThanOrEqual(1n);
    }
    expect((await check(running, "a")).accepted).toBe(true);
  }
  await running.stop();
});
