import { create } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { afterEach, describe, expect, onTestFinished, test } from "vitest";
import { type Availability, AvailabilitySchema, Verdict } from "../../gen/availability/v1/availability_pb.ts";
import type { CheckRequest } from "../../gen/availability/v1/availability_service_pb.ts";
import {
  type AvailabilityClient,
  type AvailabilityClientOptions,
  createAvailabilityClient,
  type ReplicaState,
} from "./availability-client.ts";
import { durationOf, msOf } from "./milliseconds.ts";
import { BY_RPC, startTestServer, type TestServer } from "./test-server.ts";
import { heartbeat, state, synced } from "./test-states.ts";
import { settle, TestWorld } from "./test-world.ts";

const SERVER_START = 1_700_000_000_000;

let world: TestWorld;
const clients: AvailabilityClient[] = [];
afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  await settle();
  if (world.pending > 0) throw new Error(`Cannot leave the test: ${world.pending} timers are left running`);
});

/** A client of a server that says what the test wants; the server's clock shows `serverTime()`. */
async function start(
  options: Partial<AvailabilityClientOptions> & { check?: (request: CheckRequest) => Promise<Availability> } = {},
) {
  const { check, ...rest } = options;
  world = new TestWorld();
  const server = startTestServer(check && { check });
  const states: ReplicaState[] = [];
  const errors: ConnectError[] = [];
  const client = createAvailabilityClient({
    transport: server.transport,
    clock: world.clock(),
    onStateChange: (state) => states.push(state),
    onWatchError: (error) => errors.push(error),
    ...rest,
  });
  clients.push(client);
  await settle();
  return { client, server, states, errors, serverTime: () => SERVER_START + world.now };
}

/** The same, synced with one state from a read that is as new as can be. */
async function startSynced(options: Parameters<typeof start>[0] = {}) {
  const started = await start(options);
  started.server.watch.send(state({ observedAt: started.serverTime() }));
  started.server.watch.send(synced(started.serverTime()), "life.1");
  await settle();
  return started;
}

/** Whether it came from memory; what comes by RPC is let go. */
function fromMemory(answer: unknown): boolean {
  if (!(answer instanceof Promise)) return true;
  answer.catch(() => {});
  return false;
}
const keepAlive = async (server: TestServer, seconds: number, event = () => heartbeat(SERVER_START + world.now)) => {
  for (let second = 0; second < seconds; second++) {
    await world.advance(1000);
    server.watch.send(event());
  }
  await settle();
};

describe("check()", () => {
  test("answers from memory up to the age that is asked for, and by RPC with it beyond", async () => {
    const { client, server } = await startSynced();
    await world.advance(1900);
    expect(client.check("sales", { maxAgeMs: 2000 })).toMatchObject({ destinationId: "sales", accepted: true });
    await world.advance(100);
    expect((await client.check("sales", { maxAgeMs: 2000 })).message).toBe(BY_RPC);
    expect(server.checks.map(({ maxAge }) => maxAge && msOf(maxAge))).toEqual([2000]);
  });

  test("takes the destination's own max age, and that of the client before it, when none is asked for", async () => {
    const own = await startSynced();
    await keepAlive(own.server, 9);
    expect(fromMemory(own.client.check("sales"))).toBe(true);
    await keepAlive(own.server, 1);
    await own.client.check("sales");
    expect(own.server.checks.map(({ maxAge }) => maxAge)).toEqual([undefined]);
    own.client.close();

    const given = await startSynced({ maxAgeMs: 3000 });
    await keepAlive(given.server, 2);
    expect(fromMemory(given.client.check("sales"))).toBe(true);
    await keepAlive(given.server, 1);
    await given.client.check("sales");
    expect(given.server.checks.map(({ maxAge }) => maxAge && msOf(maxAge))).toEqual([3000]);
  });

  test("goes by RPC for a max age of 0, what is not held, and what is undecided", async () => {
    const { client, server, serverTime } = await startSynced();
    server.watch.send(state({ id: "unknown", version: 2, observedAt: serverTime(), verdict: Verdict.UNDECIDED }));
    await settle();
    for (const answer of [client.check("sales", { maxAgeMs: 0 }), client.check("other"), client.check("unknown")]) {
      expect((await answer).message).toBe(BY_RPC);
    }
    expect(server.checks.map(({ destinationId }) => destinationId)).toEqual(["sales", "other", "unknown"]);
    expect(msOf(server.checks[0]!.maxAge!)).toBe(0);
  });

  test("goes by RPC until synced: what came before has an age that nobody can tell", async () => {
    const { client, server, serverTime } = await start();
    server.watch.send(state({ observedAt: serverTime() }));
    server.watch.send(state({ id: "overridden" }));
    await settle();
    for (const id of ["sales", "overridden"]) {
      expect((await client.check(id, { maxAgeMs: 3_600_000 })).message).toBe(BY_RPC);
    }
  });

  test("counts the time that `synced` took as age, until the server's time is known better", async () => {
    const { client, server, serverTime } = await start();
    await world.advance(3000);
    server.watch.send(state({ observedAt: serverTime() }));
    server.watch.send(synced(serverTime()), "life.1");
    await settle();
    expect(fromMemory(client.check("sales", { maxAgeMs: 2990 }))).toBe(false);
    expect(fromMemory(client.check("sales", { maxAgeMs: 3010 }))).toBe(true);
    // It asks by a Watch that resumes, and leaves it.
    await world.advance(1);
    const asking = server.watch;
    expect(asking.request).toMatchObject({ resumeToken: "life.1", passive: true });
    asking.send(synced(serverTime()), "life.1");
    await settle();
    expect(asking.over).toBe(true);
    expect(fromMemory(client.check("sales", { maxAgeMs: 10 }))).toBe(true);
  });

  test("does not take the time of a server that does not honour its token", async () => {
    const { client, server, serverTime } = await start();
    await world.advance(3000);
    server.watch.send(state({ observedAt: serverTime() }));
    server.watch.send(synced(serverTime()), "life.1");
    await world.advance(1);
    const anHourBehind = serverTime() - 3_600_000;
    server.watch.send({ case: "resync", value: {} });
    server.watch.send(synced(anHourBehind), "another.1");
    await settle();
    expect(fromMemory(client.check("sales", { maxAgeMs: 2990 }))).toBe(false);
  });

  test("does not take a time that was asked for before all was forgotten", async () => {
    const { client, server, serverTime } = await start();
    const [watch] = server.watches;
    await world.advance(100);
    watch!.send(synced(serverTime()), "life.1");
    await world.advance(1);
    const asking = server.watch;
    watch!.end(new ConnectError("restarted", Code.Unavailable));
    await world.advance(100);
    server.watch.send({ case: "resync", value: {} });
    server.watch.send(state({ observedAt: serverTime() }));
    server.watch.send(synced(serverTime()), "another.1");
    asking.send(synced(serverTime() - 3_600_000), "life.1");
    await world.advance(2000);
    expect(fromMemory(client.check("sales", { maxAgeMs: 1990 }))).toBe(false);
  });

  test("answers with what heartbeats confirm, of the version that is held alone", async () => {
    const { client, server, serverTime } = await startSynced();
    const before = await client.check("sales");
    await keepAlive(server, 2, () => heartbeat(serverTime(), [["sales", 1, serverTime()]]));
    const after = client.check("sales", { maxAgeMs: 500 });
    expect(fromMemory(after)).toBe(true);
    expect(msOf((await after).observedAt!) - msOf(before.observedAt!)).toBe(2000);
    expect(msOf((await after).validUntil!) - msOf(before.validUntil!)).toBe(2000);
    await keepAlive(server, 2, () => heartbeat(serverTime(), [["sales", 2, serverTime()]]));
    expect(fromMemory(client.check("sales", { maxAgeMs: 500 }))).toBe(false);
  });

  test("takes neither an older version nor an older observation", async () => {
    const { client, server, serverTime } = await startSynced();
    server.watch.send(state({ version: 5, observedAt: serverTime() - 10 }));
    server.watch.send(state({ version: 4, observedAt: serverTime(), verdict: Verdict.REJECTED }));
    server.watch.send(state({ version: 5, observedAt: serverTime() - 2000 }));
    server.watch.send(heartbeat(serverTime(), [["sales", 5, serverTime() - 1000]]));
    await settle();
    const answer = await client.check("sales", { maxAgeMs: 500 });
    expect(answer).toMatchObject({ accepted: true, version: 5n });
    expect(msOf(answer.observedAt!)).toBe(serverTime() - 10);
  });

  test("forgets what was removed, what turned unknown, and all at a resync", async () => {
    const { client, server, serverTime } = await startSynced();
    const held = (id: string) => fromMemory(client.check(id));
    for (const id of ["b", "c", "d"]) server.watch.send(state({ id, observedAt: serverTime() }));
    server.watch.send({ case: "removed", value: { destinationId: "b", version: 2n } });
    server.watch.send({ case: "unknown", value: { destinationId: "c" } });
    await settle();
    expect(["sales", "b", "c", "d"].map(held)).toEqual([true, false, false, true]);
    server.watch.end(new ConnectError("restarted", Code.Unavailable));
    await world.advance(100);
    expect(held("sales")).toBe(true);
    server.watch.send({ case: "resync", value: {} });
    await settle();
    expect(held("sales")).toBe(false);
    expect(client.state).toBe("DISCONNECTED");
  });
});

describe("check() of a state that no presence stands behind", () => {
  const startClosed = async (sketch: Parameters<typeof state>[0] = {}) => {
    const started = await startSynced();
    started.server.watch.send(state({ id: "closed", ...sketch }));
    await settle();
    const held = (maxAgeMs?: number) => fromMemory(started.client.check("closed", { maxAgeMs }));
    return { ...started, held };
  };

  test("counts its age from the last heartbeat up to which everything was sent", async () => {
    const { server, serverTime, held } = await startClosed();
    await keepAlive(server, 2);
    expect(held(500)).toBe(true);
    await keepAlive(server, 2, () => heartbeat(serverTime(), [], { upToDate: false }));
    expect(held(1990)).toBe(false);
    expect(held(2010)).toBe(true);
  });

  test("counts its age from when the Watch was asked for until then: a change may be owed when `synced` is sent", async () => {
    const { client, server, serverTime } = await start();
    server.watch.send(state({ id: "closed" }));
    await world.advance(1900);
    server.watch.send(synced(serverTime()), "life.1");
    await world.advance(1);
    // That the server's time is known better does not say more about the state.
    server.watch.send(synced(serverTime()), "life.1");
    await settle();
    expect(fromMemory(client.check("closed", { maxAgeMs: 1890 }))).toBe(false);
    expect(fromMemory(client.check("closed", { maxAgeMs: 1910 }))).toBe(true);
  });

  test("goes by RPC once its end may have come, unless it was confirmed after that", async () => {
    const { server, held } = await startClosed({ retryAt: SERVER_START + 2500 });
    await keepAlive(server, 2);
    expect(held(5000)).toBe(true);
    await world.advance(500);
    expect(held(5000)).toBe(false);
    // A person had moved its end, which is no change.
    await keepAlive(server, 1);
    expect(held(5000)).toBe(true);
  });

  test("knows the destination's own max age from an earlier state of the same revision alone", async () => {
    const { server, serverTime, held } = await startClosed();
    expect(held()).toBe(false);
    server.watch.send(state({ id: "closed", version: 2, observedAt: serverTime(), maxAgeMs: 4000 }));
    server.watch.send(state({ id: "closed", version: 3 }));
    await keepAlive(server, 1);
    expect(held()).toBe(true);
    server.watch.send(state({ id: "closed", version: 4, revision: 2 }));
    await settle();
    expect(held()).toBe(false);
  });
});

describe("a client's state", () => {
  test("is READY from synced on, STALE after a cut, and DISCONNECTED when nothing is young enough any more", async () => {
    const { client, server, states, errors } = await startSynced();
    await client.ready;
    expect(states).toEqual(["READY"]);
    server.watch.end(new ConnectError("cut", Code.Unavailable));
    await settle();
    expect(states).toEqual(["READY", "STALE"]);
    expect(errors.map(({ rawMessage }) => rawMessage)).toEqual(["cut"]);
    await world.advance(9900);
    expect(client.state).toBe("STALE");
    await world.advance(200);
    expect(client.state).toBe("DISCONNECTED");
    // Somebody asks for more than anybody before.
    expect(fromMemory(client.check("sales", { maxAgeMs: 60_000 }))).toBe(true);
    expect(client.state).toBe("STALE");
  });

  test("comes back to READY by resuming with the last token", async () => {
    const { client, server, serverTime } = await startSynced();
    await world.advance(1000);
    server.watch.send(heartbeat(serverTime()), "life.2");
    server.watch.send(state({ version: 2, observedAt: serverTime() }), "");
    await settle();
    server.watch.end();
    await world.advance(100);
    expect(server.watch.request).toMatchObject({ resumeToken: "life.2", passive: false });
    expect(client.state).toBe("STALE");
    server.watch.send(synced(serverTime()), "life.3");
    await settle();
    expect(client.state).toBe("READY");
    expect(fromMemory(client.check("sales"))).toBe(true);
  });

  test("is STALE when nothing came for three heartbeat intervals, and the silent Watch is left", async () => {
    const { client, server, errors } = await startSynced();
    const silent = server.watch;
    await world.advance(2500);
    expect(client.state).toBe("READY");
    await world.advance(600);
    expect(client.state).toBe("STALE");
    expect(silent.over).toBe(true);
    expect(errors.map(({ code }) => code)).toEqual([Code.DeadlineExceeded]);
    expect(server.watches.length).toBe(2);
  });

  test("does not hear what a Watch says that was left, also when the transport does not notice", async () => {
    const deaf = startTestServer();
    const { transport } = deaf;
    const stream: typeof transport.stream = (method, _signal, ...rest) => transport.stream(method, undefined, ...rest);
    const { client, serverTime } = await start({ transport: { ...transport, stream } });
    const silent = deaf.watch;
    silent.send(state({ observedAt: serverTime() }));
    silent.send(synced(serverTime()), "life.1");
    await world.advance(3100);
    silent.send(state({ version: 2, observedAt: serverTime(), verdict: Verdict.REJECTED }));
    await settle();
    expect(await client.check("sales")).toMatchObject({ version: 1n, accepted: true });
  });

  test("tells a listener that throws, and goes on", async () => {
    const thrown: unknown[] = [];
    const catchIt = (error: unknown) => thrown.push(error);
    const others = process.listeners("uncaughtException");
    process.removeAllListeners("uncaughtException").on("uncaughtException", catchIt);
    onTestFinished(() => {
      process.removeListener("uncaughtException", catchIt);
      for (const other of others) process.on("uncaughtException", other);
    });
    const failure = new Error("the listener's own");
    const { client } = await startSynced({
      onStateChange(state) {
        if (state === "READY") throw failure;
      },
    });
    expect(client.state).toBe("READY");
    expect(thrown).toEqual([failure]);
  });
});

describe("a Watch that ends", () => {
  test("is begun again later each time, and no sooner than RetryInfo asks for", async () => {
    const { RetryInfoSchema } = await import("../../gen/google/rpc/error_details_pb.ts");
    const { server } = await start();
    const end = async (error: ConnectError) => {
      server.watch.end(error);
      await settle();
    };
    await end(new ConnectError("no", Code.Unavailable));
    await world.advance(101);
    expect(server.watches.length).toBe(2);
    await end(new ConnectError("no", Code.Unavailable));
    await world.advance(99);
    expect(server.watches.length).toBe(2);
    await world.advance(102);
    expect(server.watches.length).toBe(3);
    const draining = new ConnectError("draining", Code.Unavailable);
    draining.details = [{ desc: RetryInfoSchema, value: { retryDelay: durationOf(7000) } }];
    await end(draining);
    await world.advance(6999);
    expect(server.watches.length).toBe(3);
    await world.advance(500);
    expect(server.watches.length).toBe(4);
    // Once it went well, it is begun again soon.
    server.watch.send(synced(SERVER_START + world.now), "life.1");
    await settle();
    await end(new ConnectError("no", Code.Unavailable));
    await world.advance(101);
    expect(server.watches.filter(({ request }) => !request.passive).length).toBe(5);
  });
});

describe("close()", () => {
  test("ends the Watch and what is asked by RPC, and rejects every check after it", async () => {
    const { client, server } = await startSynced({ check: () => new Promise(() => {}) });
    const waiting = client.check("sales", { maxAgeMs: 0 });
    await settle();
    client.close();
    await expect(waiting).rejects.toMatchObject({
      code: Code.Canceled,
      rawMessage: 'Cannot check destination "sales": the client is closed',
    });
    await expect(client.check("sales")).rejects.toMatchObject({ code: Code.Canceled });
    expect(server.watch.over).toBe(true);
    expect(client.state).toBe("DISCONNECTED");
  });

  test("rejects `ready` when it was not, and may be called by whoever hears of a state", async () => {
    const early = await start();
    early.client.close();
    await expect(early.client.ready).rejects.toMatchObject({ code: Code.Canceled });
    const { client, states } = await startSynced({ onStateChange: () => clients.at(-1)!.close() });
    expect(client.state).toBe("DISCONNECTED");
    expect(states).toEqual([]);
  });
});

describe("a check by RPC", () => {
  test("rejects what no age is, before anybody is asked", async () => {
    const { client, server } = await startSynced();
    for (const maxAgeMs of [-1, Number.NaN, Number.POSITIVE_INFINITY]) {
      await expect(client.check("sales", { maxAgeMs })).rejects.toMatchObject({
        code: Code.InvalidArgument,
        rawMessage: `Cannot check destination "sales": maxAgeMs is ${maxAgeMs}, expected 0 to 315576000000000`,
      });
    }
    expect(server.checks).toEqual([]);
  });

  test("ends with the caller's signal, and fails as the server says", async () => {
    const gone = new ConnectError("no such destination", Code.NotFound);
    const { client } = await startSynced({
      check: ({ destinationId }) => (destinationId === "gone" ? Promise.reject(gone) : new Promise(() => {})),
    });
    await expect(client.check("gone")).rejects.toMatchObject({ code: Code.NotFound });
    const leaving = new AbortController();
    const answer = client.check("slow", { signal: leaving.signal });
    leaving.abort();
    await expect(answer).rejects.toMatchObject({ code: Code.Canceled });
    await expect(client.check("slow", { signal: leaving.signal })).rejects.toMatchObject({ code: Code.Canceled });
  });

  test("gives what the server gave", async () => {
    const given = create(AvailabilitySchema, { destinationId: "other", message: "as it came" });
    const { client } = await startSynced({ check: async () => given });
    expect(await client.check("other")).toEqual(given);
  });
});
