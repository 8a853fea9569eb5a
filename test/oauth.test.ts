import { join } from "node:path";
import { timestampMs } from "@bufbuild/protobuf/wkt";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import {
  type Availability,
  Reason,
  ReasonSchema,
  Source,
  SourceSchema,
} from "../gen/availability/v1/availability_pb.ts";
import { CredentialKind } from "../gen/availability/v1/credential_pb.ts";
import type { RouteName } from "../simulator/call.ts";
import type { Fault } from "../simulator/faults.ts";
import { killLeftovers, type ReadyProcess, startProcess } from "./support/child.ts";
import { connectionOf, newApp } from "./support/connections.ts";
import { destinationOf } from "./support/destinations.ts";
import { LeapingClock } from "./support/leaping-clock.ts";
import { type RunningService, startService, temporaryDirectory } from "./support/service.ts";

const AN_HOUR = 3_600_000;
// Without push, so that every call of the Auth group is for an access token.
const scope = "ReadAccounts ReadPresence";

const clock = new LeapingClock();
let service: RunningService;
beforeAll(async () => {
  service = await startService({ simulator: { queues: 50, agents: 50, switches: { pingInterval: 0 } }, clock });
});
// Whoever was asked about lately is read for a while: nothing of one test is to call in another.
afterEach(async () => {
  const { connections, destinations, simulator } = service;
  simulator.faults.clear();
  for (const { id } of (await destinations.listDestinations({ pageSize: 1000 })).destinations) {
    await destinations.deleteDestination({ destinationId: id });
  }
  for (const { id } of (await connections.listConnections({ pageSize: 1000 })).connections) {
    await connections.deleteConnection({ connectionId: id });
  }
  simulator.clearRequests();
});
afterAll(async () => {
  killLeftovers();
  await service.stop();
});

const reasonName = (reason: Reason) => ReasonSchema.value[reason]!.localName;
const sourceName = (source: Source) => SourceSchema.value[source]!.localName;
const requests = (on: RouteName) => service.simulator.requests.filter((request) => request.on === on);
const queueIds = (count: number) => service.simulator.world.queueIds.slice(0, count);

/** One destination of the connection for each of so many queues; their ids. */
async function destinationsOf(connectionId: string, count: number): Promise<string[]> {
  return await Promise.all(
    queueIds(count).map((queueId, at) =>
      service.configure({ id: `${connectionId}-${at}`, queueId, connectionId, maxAgeMs: AN_HOUR }),
    ),
  );
}

/** Checks of all of them at once, each wanting a read of its own. */
const checkAll = (ids: readonly string[]) => Promise.all(ids.map((id) => service.check(id, { maxAgeMs: 0 })));
const live = { reason: Reason.CRITERIA_MET, source: Source.LIVE };
/** What was answered, each different answer once. */
const kinds = (answers: readonly Availability[]) => [
  ...new Set(answers.map(({ reason, source }) => `${reasonName(reason)} ${sourceName(source)}`)),
];
const MET = ["CRITERIA_MET LIVE"];

describe("a JWT connection", () => {
  test("gets one token for 30 queues, and its status says so", async () => {
    await service.connect({ id: "jwt", oauth: newApp(service.simulator, "jwt", { scope }).jwt });
    const ids = await destinationsOf("jwt", 30);
    expect(kinds(await checkAll(ids))).toEqual(MET);
    expect(requests("token")).toHaveLength(1);
    expect(requests("queue-presence")).toHaveLength(30);
    const { credentialStatus, lastError } = await service.connection("jwt");
    expect(credentialStatus?.kind).toBe(CredentialKind.JWT);
    expect(timestampMs(credentialStatus!.expiresAt!)).toBeGreaterThan(clock.now());
    expect(lastError).toBe("");
  });

  test("gets one token when 50 queues are refused at once, and every Check is answered", async () => {
    await service.connect({ id: "refused", oauth: newApp(service.simulator, "refused", { scope }).jwt });
    const ids = await destinationsOf("refused", 50);
    expect(kinds(await checkAll(ids))).toEqual(MET);
    service.simulator.clearRequests();
    service.simulator.oauth.expireToken();
    // Nobody hears of the refusal before all have asked.
    service.simulator.faults.add({ kind: "hang", times: 50 });
    const answers = checkAll(ids);
    const refused = () => {
      service.simulator.faults.release();
      return requests("queue-presence").filter(({ status }) => status === 401);
    };
    await expect.poll(refused, { interval: 5, timeout: 5000 }).toHaveLength(50);
    expect(kinds(await answers)).toEqual(MET);
    expect(requests("token")).toHaveLength(1);
    const answered = (wanted: number) => requests("queue-presence").filter(({ status }) => status === wanted);
    expect([answered(401).length, answered(200).length, requests("queue-presence").length]).toEqual([50, 50, 100]);
  });

  test("is thrown out by a sixth session, tries once more, and the caller sees nothing of it", async () => {
    const clientId = "crowded";
    await service.connect({ id: clientId, oauth: newApp(service.simulator, clientId, { scope }).jwt });
    const [id] = await destinationsOf(clientId, 1);
    await service.check(id!);
    for (let session = 2; session <= 6; session++) service.simulator.oauth.issue({ clientId });
    service.simulator.clearRequests();
    expect(await service.check(id!, { maxAgeMs: 0 })).toMatchObject(live);
    expect(service.simulator.requests.map(({ on, status }) => [on, status])).toEqual([
      ["queue-presence", 401],
      ["token", 200],
      ["queue-presence", 200],
    ]);
  });

  test("that lacks permissions is warned of, by Get and List", async () => {
    const { jwt } = newApp(service.simulator, "lacking", { scope: "ReadPresence" });
    await service.connect({ id: "lacking", oauth: jwt });
    const [id] = await destinationsOf("lacking", 1);
    expect(await service.check(id!)).toMatchObject(live);
    const { warnings } = await service.connection("lacking");
    const listed = (await service.connections.listConnections({})).connections.find((one) => one.id === "lacking");
    expect(listed?.warnings).toEqual(warnings);
    expect(warnings.map(({ field, reason }) => [field, reason])).toEqual(
      Array.from({ length: 2 }, () => ["connection.credential", "MISSING_PERMISSION"]),
    );
    expect(warnings[0]!.description).toMatch(/ReadAccounts.*call queues cannot be listed/);
    expect(warnings[1]!.description).toMatch(/WebSocketsSubscription.*queues are polled/);
  });
});

describe("a credential that RingCentral refuses says what to do, in Check and in last_error", () => {
  test.each([
    {
      name: "client credentials, OAU-251",
      credential: () => newApp(service.simulator, "few-251", { scope }).clientCredentials,
      code: "OAU-251",
      says: "RingCentral grants client credentials to few apps; use a JWT credential instead",
    },
    {
      name: "client credentials, OAU-250",
      credential: () => {
        service.simulator.switches.clientCredentials = "OAU-250";
        return newApp(service.simulator, "few-250", { scope }).clientCredentials;
      },
      code: "OAU-250",
      says: "RingCentral grants client credentials to few apps; use a JWT credential instead",
    },
    {
      name: "an expired JWT",
      credential: () =>
        newApp(service.simulator, "old", { scope, jwts: [{ jwt: "b2xk.and.and3Q", expiresAt: 1 }] }).jwt,
      code: "OAU-210",
      says: "RingCentral refuses the JWT credential, which has expired, was revoked, or is for other apps; configure a new one",
    },
    {
      name: "a wrong client secret",
      credential: () => ({ ...newApp(service.simulator, "wrong", { scope }).jwt, clientSecret: "not-it" }),
      code: "OAU-146",
      says: "the client id and the client secret do not belong together",
    },
    {
      name: "a refresh token that is used up",
      credential: () => newApp(service.simulator, "used-up", { scope }).refreshToken("of-last-year"),
      code: "OAU-213",
      says: "the refresh token has expired, was used up or revoked; configure a new refresh token",
    },
  ])("$name", async ({ credential, code, says }) => {
    const oauth = credential();
    const id = await service.connect({ id: oauth.clientId, oauth });
    const ids = await destinationsOf(id, 10);
    const answers = await checkAll(ids);
    const status = code === "OAU-146" ? 401 : 400;
    for (const { accepted, reason, message, retryAt } of answers) {
      expect({ accepted, reason }).toEqual({ accepted: false, reason: Reason.UPSTREAM_UNAUTHENTICATED });
      expect(message).toContain(`Cannot get an access token: ${says} (HTTP ${status} ${code}`);
      expect(timestampMs(retryAt!)).toBeGreaterThan(clock.now());
    }
    expect(requests("token")).toHaveLength(1);
    expect(requests("queue-presence")).toHaveLength(0);
    const { connections } = await service.connections.listConnections({ pageSize: 100 });
    expect(connections.find((connection) => connection.id === id)?.lastError).toBe(answers[0]!.message);
  });
});

test.each<{ name: string; fault: Fault; most: number }>([
  // A proxy says nothing of a limit, so trouble's own pace holds; RingCentral says that five a minute are allowed.
  { name: "503", fault: { kind: "proxy-error", status: 503 }, most: 12 + 4 },
  { name: "reset", fault: { kind: "reset" }, most: 12 + 4 },
  { name: "500", fault: { kind: "internal-error" }, most: 5 },
  { name: "429", fault: { kind: "rate-limited" }, most: 1 },
])("a token endpoint in trouble ($name) is not stormed, and all is well after it", async ({ name, fault, most }) => {
  const id = `trouble-${name}`;
  await service.connect({ id, oauth: newApp(service.simulator, id, { scope }).jwt });
  const ids = await destinationsOf(id, 10);
  service.simulator.faults.add({ ...fault, on: "token", times: Number.POSITIVE_INFINITY });
  // Three minutes in which ten ask whenever they were told to.
  const beganAt = clock.now();
  const leapTo = (answers: readonly Availability[]) => {
    // None: asking at once is fine.
    const times = answers.map(({ retryAt }) => (retryAt ? timestampMs(retryAt) : 0));
    clock.leap(Math.max(0, Math.min(...times) - clock.now()));
  };
  let failed = await checkAll(ids);
  while (clock.now() < beganAt + 180_000) {
    leapTo(failed);
    failed = await checkAll(ids);
    for (const { reason, source } of failed) {
      expect([Reason.UPSTREAM_UNAVAILABLE, Reason.UPSTREAM_RATE_LIMITED]).toContain(reason);
      expect(source).toBe(Source.NONE);
    }
  }
  const times = requests("token").map(({ at }) => at);
  for (const at of times) {
    expect(times.filter((other) => other >= at && other < at + 60_000).length).toBeLessThanOrEqual(most);
  }
  expect((await service.connection(id)).lastError).toMatch(/^Cannot get an access token: /);
  service.simulator.faults.clear();
  // What was used up by trying, RingCentral counts: it is waited for as well.
  for (let waits = 0; waits < 3 && failed[0]!.reason !== Reason.CRITERIA_MET; waits++) {
    leapTo(failed);
    failed = await checkAll(ids);
  }
  expect(kinds(failed)).toEqual(MET);
  // Push needs a token too, and gives up where the token does not allow it.
  clock.leap(1000);
  await expect.poll(async () => (await service.connection(id)).lastError, { interval: 10, timeout: 5000 }).toBe("");
  expect(requests("wstoken")).toHaveLength(0);
});

test("another credential of a connection moves all its queues at once, and ends what the old one had to wait for", async () => {
  const [before, after] = [
    newApp(service.simulator, "before", { scope }),
    newApp(service.simulator, "after", { scope }),
  ];
  await service.connect({ id: "moving", oauth: before.jwt });
  const ids = await destinationsOf("moving", 30);
  expect(kinds(await checkAll(ids))).toEqual(MET);
  const callers = () => new Set(requests("queue-presence").map(({ caller }) => caller?.split("@")[1]));
  expect(callers()).toEqual(new Set(["before"]));
  // The old one is refused, twice over: every queue has to wait.
  service.simulator.faults.add({ kind: "unauthorized", times: Number.POSITIVE_INFINITY });
  await checkAll(ids.slice(0, 1));
  service.simulator.faults.clear();
  const waiting = await checkAll(ids);
  expect(new Set(waiting.map(({ reason }) => reason))).toEqual(new Set([Reason.UPSTREAM_UNAUTHENTICATED]));
  service.simulator.clearRequests();
  await service.connect({ id: "moving", oauth: after.jwt });
  expect(kinds(await checkAll(ids))).toEqual(MET);
  expect(callers()).toEqual(new Set(["after"]));
  expect(requests("token")).toHaveLength(1);
});

describe("a refresh token", () => {
  let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
  beforeAll(async () => {
    directory = await temporaryDirectory();
  });
  afterAll(() => directory.remove());
  const storeUrl = (name: string) => `sqlite:${join(directory.path, name, "availability.db")}`;

  test("is rotated, and the rotated one is used after a restart", async () => {
    const { simulator } = service;
    const clientId = "rotating";
    const app = newApp(simulator, clientId, { scope, issueRefreshTokens: true });
    const { refreshToken } = simulator.oauth.issue({ clientId });
    const start = () => startService({ upstream: simulator, storeUrl: storeUrl("rotating"), clock });
    const first = await start();
    await first.connect({ oauth: app.refreshToken(refreshToken!) });
    await first.configure({ connectionId: "main" });
    expect(await first.check("sales")).toMatchObject(live);
    expect((await first.connection()).credentialStatus?.refreshExpiresAt).toBeDefined();
    await first.stop();
    // The one that was configured is good no more ten seconds after the new access token was used.
    clock.leap(11_000);
    expect(simulator.oauth.sessions.ofRefreshToken(refreshToken!)).toBeUndefined();
    simulator.oauth.expireToken();
    simulator.clearRequests();
    const second = await start();
    expect(await second.check("sales")).toMatchObject(live);
    expect(requests("token").map(({ status }) => status)).toEqual([200]);
    await second.stop();
  });

  test("outlasts kill -9 between the answer of its rotation and the save of it", async () => {
    const { simulator } = service;
    const clientId = "killed";
    const app = newApp(simulator, clientId, { scope, issueRefreshTokens: true });
    const { refreshToken } = simulator.oauth.issue({ clientId });
    const start = () => startProcess({ STORE_URL: storeUrl("killed"), UPSTREAM_ALLOW: simulator.origin });
    const check = ({ by }: ReadyProcess) =>
      by("grpc-js on the gRPC port").availability.check({ destinationId: "sales" });
    const first = await start();
    const { availability, connections } = first.by("grpc-js on the gRPC port");
    await connections.configureConnection({
      connection: connectionOf(simulator, { oauth: app.refreshToken(refreshToken!) }),
    });
    await availability.configure({ destination: destinationOf(simulator, { connectionId: "main" }) });
    simulator.faults.add({ kind: "hang", on: "token" });
    const unanswered = check(first).catch(() => {});
    await expect.poll(() => simulator.faults.hanging, { interval: 5, timeout: 5000 }).toBe(1);
    // It was rotated, and the answer comes to a process that does nothing any more.
    first.kill("SIGSTOP");
    simulator.faults.release();
    await expect
      .poll(() => requests("token").map(({ status }) => status), { interval: 5, timeout: 5000 })
      .toEqual([200]);
    first.kill("SIGKILL");
    await Promise.all([unanswered, first.exit]);
    const second = await start();
    expect((await check(second)).availability).toMatchObject(live);
    expect(await second.stop()).toBe(0);
  });
});
