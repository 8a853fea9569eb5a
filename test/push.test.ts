import { setTimeout as pause } from "node:timers/promises";
import { timestampMs } from "@bufbuild/protobuf/wkt";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { AgentCount } from "../gen/availability/v1/acceptance_pb.ts";
import { type Availability, Reason, Source } from "../gen/availability/v1/availability_pb.ts";
import type { WatchHeartbeat } from "../gen/availability/v1/availability_service_pb.ts";
import { PushState } from "../gen/availability/v1/connection_pb.ts";
import { PresenceDetail } from "../gen/availability/v1/destination_pb.ts";
import type { RouteName } from "../simulator/call.ts";
import type { Switches } from "../simulator/switches.ts";
import { newApp } from "./support/connections.ts";
import type { DestinationSketch } from "./support/destinations.ts";
import { LeapingClock } from "./support/leaping-clock.ts";
import { type RunningService, startService } from "./support/service.ts";
import { type Watching, watching } from "./support/watching.ts";

const out = { acceptCurrentQueueCalls: false };
const pushed = ({ source }: Availability) => source === Source.PUSH;
const agents = (count: AgentCount): DestinationSketch["acceptance"] => ({
  criterion: { case: "agents", value: { count } },
});
const { AVAILABLE, ACCEPTING } = AgentCount;
const joined = { acceptance: agents(AVAILABLE), presenceDetail: PresenceDetail.QUEUE_AND_EXTENSION };

let clock: LeapingClock;
let service: RunningService;
let streams: Watching[];
beforeEach(() => {
  clock = new LeapingClock();
  streams = [];
});
afterEach(async () => {
  for (const stream of streams) stream.leave();
  // What RingCentral would not have liked.
  const violations = service.simulator.gateway.connections.flatMap((connection) => connection.violations);
  await service.stop();
  if (violations.length > 0) throw new Error(`Cannot accept how push was used: it ${violations.join(", ")}`);
});

/** Starts everything with one connection; `scope` is what its app may do. */
async function start(options: { scope?: string; switches?: Partial<Switches>; filtersPerSocket?: number } = {}) {
  const { scope = "ReadAccounts ReadPresence WebSocketsSubscription", switches, filtersPerSocket = 500 } = options;
  service = await startService({
    simulator: { queues: 0, switches: { pingInterval: 0, ...switches } },
    env: { PUSH_FILTERS_PER_SOCKET: String(filtersPerSocket) },
    clock,
  });
  await service.connect({ oauth: newApp(service.simulator, "pushing", { scope }).jwt });
}

/** A destination of a new queue of three agents. */
async function destination(sketch: DestinationSketch = {}) {
  const { world } = service.simulator;
  const { id: queueId, members } = world.addQueue(3);
  const whole = { id: `d-${queueId}`, queueId, connectionId: "main", maxAgeMs: 2000, ...sketch };
  const id = await service.configure(whole);
  return { id, queueId, members: members.map(({ agent }) => agent.id) };
}

function watch(...[request]: [Parameters<typeof watching>[1]]): Watching {
  const stream = watching(service.availability, request);
  streams.push(stream);
  return stream;
}

/** Lets time run until it has come to that. */
async function soon<T>(what: Promise<T>): Promise<T> {
  let settled = false;
  const end = () => {
    settled = true;
  };
  what.then(end, end);
  while (!settled) {
    clock.leap(100);
    await pause(5);
  }
  return await what;
}

/** A Watch of one destination that push keeps current; from then on every request is counted. */
async function watchPushed(id: string): Promise<Watching> {
  const stream = watch({ destinationIds: [id] });
  await soon(stream.untilState(pushed));
  service.simulator.clearRequests();
  return stream;
}

const requests = (on: RouteName) => service.simulator.requests.filter((request) => request.on === on);
const sockets = () => service.simulator.gateway.connections;
const reads = () => [...requests("queue-presence"), ...requests("extension-presence"), ...requests("account-presence")];

describe("while push is live", () => {
  test("news reach a Watch without a read, whatever they are about", async () => {
    await start();
    const { id, queueId, members } = await destination(joined);
    const stream = await watchPushed(id);
    const { world } = service.simulator;
    world.set(queueId, 0, out);
    expect(await stream.untilState(({ agents }) => agents?.accepting === 2)).toMatchObject({
      source: Source.PUSH,
      agents: { available: 2, optedOut: 1 },
    });
    world.change(members[1]!, { telephonyStatus: "Ringing" });
    expect(await stream.untilState(({ agents }) => agents?.onCall === 1)).toMatchObject({ agents: { available: 1 } });
    world.change(members[2]!, { dndStatus: "DoNotAcceptAnyCalls" });
    expect(await stream.untilState(({ accepted }) => !accepted)).toMatchObject({
      source: Source.PUSH,
      reason: Reason.CRITERIA_NOT_MET,
      agents: { doNotDisturb: 1, available: 0 },
    });
    expect(await service.check(id)).toMatchObject({ source: Source.PUSH, measured: 0 });
    expect(service.simulator.requests).toEqual([]);
    expect(await service.connection()).toMatchObject({ pushState: PushState.LIVE, lastError: "" });
  });

  test("answers grow no older though nothing changes, and nothing is read", async () => {
    await start();
    const { id } = await destination(joined);
    await watchPushed(id);
    const stream = watch({ destinationIds: [id], heartbeatInterval: { seconds: 1n } });
    let observedAt = 0;
    // Several times as long as an answer lasts.
    for (let confirmed = 0; confirmed < 8; confirmed++) {
      const { event } = await soon(
        stream.until(({ event }) => event.case === "heartbeat" && event.value.freshness.length > 0),
      );
      const { freshness, serverTime } = event.value as WatchHeartbeat;
      const at = timestampMs(freshness[0]!.observedAt!);
      expect(at).toBeGreaterThan(observedAt);
      expect(timestampMs(freshness[0]!.validUntil!) - at).toBe(2000);
      expect(timestampMs(serverTime!)).toBeGreaterThanOrEqual(at);
      observedAt = at;
    }
    expect(reads()).toEqual([]);
    const states = stream.events.filter(({ event }) => event.case === "availability");
    expect(states).toHaveLength(1);
  });

  test("Do Not Disturb changes the answer of a queue that is read alone", async () => {
    await start();
    const { id, members } = await destination({ acceptance: agents(AVAILABLE) });
    const stream = await watchPushed(id);
    for (const member of members) service.simulator.world.change(member, { dndStatus: "DoNotAcceptDepartmentCalls" });
    expect(await stream.untilState(({ accepted }) => !accepted)).toMatchObject({
      source: Source.PUSH,
      agents: { available: 0, accepting: 3, doNotDisturb: 3 },
    });
    expect(service.simulator.requests).toEqual([]);
  });

  test.each<Partial<Switches>>([
    { queueEvents: "records", extensionIds: "number", telephonyStatus: "always" },
    { queueEvents: "flat", extensionIds: "text", telephonyStatus: "changed" },
  ])("events are understood as %o", async (switches) => {
    await start({ switches });
    const { id, queueId, members } = await destination(joined);
    const stream = await watchPushed(id);
    service.simulator.world.set(queueId, 0, out);
    await stream.untilState(({ agents }) => agents?.available === 2);
    service.simulator.world.change(members[1]!, { telephonyStatus: "CallConnected" });
    await stream.untilState(({ agents }) => agents?.available === 1 && agents.onCall === 1);
    expect(service.simulator.requests).toEqual([]);
  });
});

describe("after a cut", () => {
  test("the session is resumed: what changed meanwhile is there, and nothing is read again", async () => {
    await start();
    const { id, queueId, members } = await destination({ ...joined, maxAgeMs: 10_000 });
    const stream = await watchPushed(id);
    const { gateway, world } = service.simulator;
    gateway.cut("abrupt");
    world.set(queueId, 0, out);
    world.change(members[1]!, { telephonyStatus: "CallConnected" });
    const found = await soon(stream.untilState((state) => pushed(state) && state.agents?.available === 1));
    expect(found.agents).toMatchObject({ onCall: 1, optedOut: 1 });
    expect(sockets().map(({ recovery }) => recovery)).toEqual([undefined, "Successful"]);
    expect(requests("subscribe")).toEqual([]);
    expect(reads()).toEqual([]);
  });

  test("of a session that is forgotten nothing is believed that was not read again", async () => {
    await start();
    const { id, queueId } = await destination(joined);
    const stream = await watchPushed(id);
    const { faults, gateway, world } = service.simulator;
    // Nothing can be read for now, and the next socket waits until the session is forgotten.
    faults.add({ kind: "hang", times: Number.POSITIVE_INFINITY }, { kind: "hang", on: "wstoken" });
    gateway.cut("abrupt");
    await expect.poll(() => faults.hanging, { interval: 5, timeout: 5000 }).toBe(1);
    gateway.forgetSessions();
    world.set(queueId, 0, out);
    const changedAt = clock.now();
    faults.release();
    await expect.poll(() => sockets().at(1)?.filters.length, { interval: 5, timeout: 5000 }).toBe(2);
    expect(sockets().map(({ recovery }) => recovery)).toEqual([undefined, "Failed"]);
    await soon(expect.poll(() => faults.hanging, { interval: 5, timeout: 5000 }).toBe(1));
    const old = await service.check(id, { maxAgeMs: 3_600_000, maxWaitMs: 0 });
    expect(old).toMatchObject({ agents: { available: 3 }, source: Source.CACHE });
    expect(timestampMs(old.observedAt!)).toBeLessThanOrEqual(changedAt);
    faults.clear();
    faults.release();
    await soon(stream.untilState((state) => pushed(state)));
    expect(reads().length).toBeGreaterThan(0);
    const wrong = stream.events.filter(
      ({ event }) => event.case === "availability" && pushed(event.value) && event.value.agents?.available === 3,
    );
    // The first of all, from before the change.
    expect(wrong).toHaveLength(1);
    expect(await service.check(id)).toMatchObject({ source: Source.PUSH, agents: { available: 2 } });
  });
});

test("queues are polled while push is down, and the connection says so", async () => {
  await start({ switches: { gateway: "unavailable" } });
  const { id, queueId } = await destination(joined);
  const stream = watch({ destinationIds: [id] });
  await soon(stream.untilState(({ agents }) => agents?.available === 3));
  const down = async () => (await service.connection()).pushState === PushState.DOWN;
  await soon(expect.poll(down, { interval: 5, timeout: 5000 }).toBe(true));
  expect((await service.connection()).lastError).toMatch(/^Cannot connect to push: /);
  service.simulator.world.set(queueId, 0, out);
  expect(await soon(stream.untilState(({ agents }) => agents?.available === 2))).toMatchObject({
    source: Source.CACHE,
  });
  service.simulator.switches.gateway = "up";
  await soon(stream.untilState(pushed));
  expect(await service.connection()).toMatchObject({ pushState: PushState.LIVE, lastError: "" });
});

describe("what push may not carry", () => {
  test("is asked for agent by agent where the account's events are not allowed", async () => {
    await start({ scope: "ReadPresence WebSocketsSubscription" });
    const { id, queueId, members } = await destination(joined);
    const stream = await watchPushed(id);
    const account = `/restapi/v1.0/account/${service.simulator.world.accountId}`;
    const filters = sockets()
      .at(-1)!
      .filters.map((filter) => filter.split("?")[0]!.replace(account, ""));
    const wanted = [`/call-queues/${queueId}/presence`, ...members.map((member) => `/extension/${member}/presence`)];
    expect(filters.toSorted()).toEqual(wanted.toSorted());
    service.simulator.world.change(members[0]!, { telephonyStatus: "OnHold" });
    await stream.untilState(({ agents }) => agents?.onCall === 1);
    expect(service.simulator.requests).toEqual([]);
  });

  test("is polled where one queue's events are refused, and the rest is pushed", async () => {
    await start({ switches: { filterLimit: 2, overFilterLimit: "disable" } });
    const all = [];
    for (let n = 0; n < 3; n++) all.push(await destination({ acceptance: agents(ACCEPTING) }));
    const stream = watch({ destinationIds: all.map(({ id }) => id) });
    await soon(stream.untilState(pushed));
    await soon(stream.untilState(pushed));
    const ofPush = new Set(
      stream.events.flatMap(({ event }) =>
        event.case === "availability" && pushed(event.value) ? [event.value.destinationId] : [],
      ),
    );
    expect(ofPush.size).toBe(2);
    const polled = all.find(({ id }) => !ofPush.has(id))!;
    service.simulator.clearRequests();
    for (const { queueId } of all) service.simulator.world.set(queueId, 0, out);
    const changed = new Map<string, Source>();
    await soon(
      stream.until(({ event }) => {
        if (event.case !== "availability" || event.value.agents?.accepting !== 2) return false;
        changed.set(event.value.destinationId, event.value.source);
        return changed.size === 3;
      }),
    );
    expect(changed).toEqual(new Map(all.map(({ id }) => [id, ofPush.has(id) ? Source.PUSH : Source.CACHE])));
    expect(new Set(reads().map(({ queueId }) => queueId))).toEqual(new Set([polled.queueId]));
  });

  test("does without push where the token does not allow it, and warns", async () => {
    await start({ scope: "ReadAccounts ReadPresence" });
    const { id, queueId } = await destination(joined);
    const stream = watch({ destinationIds: [id] });
    await soon(stream.untilState(({ agents }) => agents?.available === 3));
    service.simulator.world.set(queueId, 0, out);
    await soon(stream.untilState(({ agents }) => agents?.available === 2));
    expect(requests("wstoken")).toEqual([]);
    const { pushState, warnings, lastError } = await service.connection();
    expect({ pushState, lastError }).toEqual({ pushState: PushState.UNSPECIFIED, lastError: "" });
    expect(warnings.map(({ description }) => description)).toEqual([
      expect.stringMatching(/WebSocketsSubscription.*queues are polled/),
    ]);
  });
});

test("another credential of the connection gets a session of its own, and the old one ends", async () => {
  await start();
  const { id, queueId } = await destination();
  const stream = await watchPushed(id);
  await service.connect({ oauth: newApp(service.simulator, "moved").jwt });
  await soon(stream.untilState(({ source }) => source !== Source.PUSH));
  await soon(stream.untilState(pushed));
  expect(sockets().map(({ caller, closed }) => [caller?.split("@")[1], closed !== undefined])).toEqual([
    ["pushing", true],
    ["moved", false],
  ]);
  // Nothing of the old session is resumed: what it held was read again.
  expect(sockets().at(-1)?.recovery).toBeUndefined();
  expect(requests("queue-presence").length).toBeGreaterThan(0);
  service.simulator.world.set(queueId, 0, out);
  expect(await stream.untilState(({ measured }) => measured === 2)).toMatchObject({ source: Source.PUSH });
});

test("filters are dealt to as many sockets as it takes, and each tells its own", async () => {
  await start({ filtersPerSocket: 2 });
  const all = [];
  for (let n = 0; n < 5; n++) all.push(await destination({ acceptance: agents(ACCEPTING) }));
  const stream = watch({ destinationIds: all.map(({ id }) => id) });
  const live = new Set<string>();
  await soon(
    stream.until(({ event }) => {
      if (event.case === "availability" && pushed(event.value)) live.add(event.value.destinationId);
      return live.size === 5;
    }),
  );
  expect(sockets().map(({ filters }) => filters.length)).toEqual([2, 2, 1]);
  service.simulator.clearRequests();
  for (const { id, queueId } of all) {
    service.simulator.world.set(queueId, 0, out);
    const changed = await stream.untilState(({ agents }) => agents?.accepting === 2);
    expect(changed).toMatchObject({ destinationId: id, source: Source.PUSH });
  }
  expect(service.simulator.requests).toEqual([]);
});

test("passive watchers cause no call, no token and no socket", async () => {
  await start();
  const { id } = await destination(joined);
  const stream = watch({ destinationIds: [id], passive: true, heartbeatInterval: { seconds: 1n } });
  await stream.untilKind("synced");
  for (let heartbeats = 0; heartbeats < 20; heartbeats++) await soon(stream.untilKind("heartbeat"));
  expect(service.simulator.requests).toEqual([]);
  expect(sockets()).toEqual([]);
  expect(await service.connection()).toMatchObject({ pushState: PushState.UNSPECIFIED, demandCount: 0 });
});
