import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { AgentCount, Condition, Scope } from "../gen/availability/v1/acceptance_pb.ts";
import { Reason, Source, Verdict } from "../gen/availability/v1/availability_pb.ts";
import { PresenceDetail } from "../gen/availability/v1/destination_pb.ts";
import type { MemberChange } from "../simulator/agent.ts";
import type { RouteName } from "../simulator/call.ts";
import { newApp } from "./support/connections.ts";
import { countOf, type DestinationSketch } from "./support/destinations.ts";
import { type RunningService, startService } from "./support/service.ts";

/** The seed's third example: agents who take the queue's calls and are Available. */
const EXAMPLE_3 = countOf('"acceptCurrentQueueCalls": true.*"presenceStatus": "Available"');
const { QUEUE, QUEUE_AND_EXTENSION } = PresenceDetail;

const free: MemberChange = {};
const onCall: MemberChange = { telephonyStatus: "CallConnected", presenceStatus: "Busy" };
const offline: MemberChange = { presenceStatus: "Offline" };
const resting: MemberChange = { acceptQueueCalls: false };
const out: MemberChange = { acceptCurrentQueueCalls: false };
const hidden: MemberChange = { allowSeeMyPresence: false };

let service: RunningService;
beforeAll(async () => {
  service = await startService({ simulator: { queues: 0 } });
  // Without push: what is asked is what is answered.
  await service.connect({ oauth: newApp(service.simulator, "joined", { scope: "ReadAccounts ReadPresence" }).jwt });
});
afterEach(() => service.simulator.clearRequests());
afterAll(() => service.stop());

let made = 0;

/** A destination of a new queue with an agent for each change. */
async function destinationWith(members: readonly MemberChange[], sketch: DestinationSketch = {}) {
  const { id: queueId } = service.simulator.world.addQueue(members);
  const id = `joined-${++made}`;
  return { queueId, id: await service.configure({ id, queueId, connectionId: "main", maxAgeMs: 60_000, ...sketch }) };
}
/** A count of agents that is compared with 0. */
const agents = (count: AgentCount): DestinationSketch["acceptance"] => ({
  criterion: { case: "agents", value: { count } },
});
const asked = (on: RouteName) => service.simulator.requests.filter((request) => request.on === on);

describe("the seed's Example 3", () => {
  test("counts agents who take the queue's calls and are Available, as it says", async () => {
    const { id } = await destinationWith([free, free, onCall, offline, { ...out }], { acceptance: EXAMPLE_3 });
    expect(await service.check(id)).toMatchObject({
      accepted: true,
      reason: Reason.CRITERIA_MET,
      source: Source.LIVE,
      measured: 2,
    });
  });

  test("is not met where those who are Available take no calls of the queue", async () => {
    const { id } = await destinationWith([out, onCall], { acceptance: EXAMPLE_3 });
    expect(await service.check(id)).toMatchObject({ reason: Reason.CRITERIA_NOT_MET, measured: 0 });
  });

  test("has no answer from the queue alone, which says nothing of presenceStatus", async () => {
    const { id } = await destinationWith([free], { acceptance: EXAMPLE_3, presenceDetail: QUEUE });
    expect(await service.check(id)).toMatchObject({ accepted: false, reason: Reason.PRESENCE_UNKNOWN });
  });
});

describe("agents are counted", () => {
  const everybody = [free, free, onCall, offline, resting, out];
  test.each([
    ["AVAILABLE", AgentCount.AVAILABLE, 3],
    ["TOTAL", AgentCount.TOTAL, 6],
    ["ACCEPTING", AgentCount.ACCEPTING, 5],
    ["DO_NOT_DISTURB", AgentCount.DO_NOT_DISTURB, 1],
    ["ON_CALL", AgentCount.ON_CALL, 1],
    ["OFFLINE", AgentCount.OFFLINE, 1],
    ["OPTED_OUT", AgentCount.OPTED_OUT, 1],
  ])("%s", async (_, count, measured) => {
    const { id, queueId } = await destinationWith(everybody, {
      acceptance: agents(count),
      presenceDetail: QUEUE_AND_EXTENSION,
    });
    const truth = service.simulator.world.truth(queueId);
    const answer = await service.check(id);
    expect(answer).toMatchObject({ reason: Reason.CRITERIA_MET, measured });
    // An offline agent may still be reached; one in a call is taken.
    expect(answer.agents).toMatchObject({
      total: truth.total,
      accepting: truth.accepting,
      optedOut: truth.optedOut,
      doNotDisturb: truth.doNotDisturb,
      onCall: truth.onCall,
      offline: truth.offline,
      available: truth.idle,
      unknown: 0,
    });
  });

  test("without calls and presence where the queue alone is read", async () => {
    const { id, queueId } = await destinationWith(everybody, { acceptance: agents(AgentCount.AVAILABLE) });
    const { agents: counts, measured } = await service.check(id);
    expect(measured).toBe(service.simulator.world.truth(queueId).available);
    expect(counts).not.toHaveProperty("onCall");
    expect(counts).not.toHaveProperty("offline");
  });

  test("in accounts with the new call handling", async () => {
    const modern: MemberChange = { newCallHandling: true };
    const { id, queueId } = await destinationWith(
      [modern, { ...modern, ...onCall }, { ...modern, ...resting }, { ...modern, dndStatus: "DoNotAcceptAnyCalls" }],
      { acceptance: agents(AgentCount.AVAILABLE), presenceDetail: QUEUE_AND_EXTENSION },
    );
    const { agents: counts, measured } = await service.check(id);
    expect(measured).toBe(service.simulator.world.truth(queueId).idle);
    expect(counts).toMatchObject({ available: 1, onCall: 1, doNotDisturb: 2, unknown: 0 });
  });
});

describe("an agent whose presence may not be seen", () => {
  const moreThan = (value: number): DestinationSketch => ({
    acceptance: { ...agents(AgentCount.AVAILABLE), condition: Condition.GREATER_THAN, value },
    presenceDetail: QUEUE_AND_EXTENSION,
  });

  test("leaves it undecided where he decides", async () => {
    const { id } = await destinationWith([free, hidden], moreThan(1));
    const answer = await service.check(id);
    expect(answer).toMatchObject({
      accepted: false,
      verdict: Verdict.UNDECIDED,
      reason: Reason.PRESENCE_UNKNOWN,
      agents: { available: 1, unknown: 1 },
    });
    expect(answer.message).toMatch(/1 to 2 .*needs more than 1/);
  });

  test.each([
    ["one who is available is enough", [free, hidden], 0, Reason.CRITERIA_MET],
    ["he would not be enough", [onCall, hidden], 1, Reason.CRITERIA_NOT_MET],
    ["he takes no calls of the queue whatever his presence", [free, { ...hidden, ...out }], 1, Reason.CRITERIA_NOT_MET],
  ])("does not matter where %s", async (_, members, value, reason) => {
    const { id } = await destinationWith(members, moreThan(value));
    expect((await service.check(id)).reason).toBe(reason);
  });
});

test.each([
  ["a count of those on a call", agents(AgentCount.ON_CALL), QUEUE_AND_EXTENSION],
  ["a pattern that names presenceStatus", EXAMPLE_3, QUEUE_AND_EXTENSION],
  ["the default", undefined, QUEUE],
  ["a count of those who accept", agents(AgentCount.ACCEPTING), QUEUE],
])("%s chooses how much is read by itself", async (_, acceptance, expected) => {
  const { id } = await destinationWith([free, onCall], acceptance ? { acceptance } : {});
  await service.check(id);
  expect(asked("queue-presence")).toHaveLength(1);
  expect(asked("extension-presence")).toHaveLength(expected === QUEUE ? 0 : 1);
});

test("an agent in eight queues is read once for all of them", async () => {
  const { world } = service.simulator;
  const queues = Array.from({ length: 8 }, () => world.addQueue(0));
  const home = world.addQueue(3);
  for (const { agent } of home.members) for (const { id } of queues) world.addMember(id, agent.id);
  const ids = [];
  for (const { id: queueId } of queues) {
    const sketch = { queueId, connectionId: "main", acceptance: EXAMPLE_3, maxAgeMs: 60_000 };
    ids.push(await service.configure({ id: `eight-${queueId}`, ...sketch }));
  }
  const answers = await Promise.all(ids.map((id) => service.check(id)));
  expect(answers.map(({ measured }) => measured)).toEqual(Array(8).fill(3));
  expect(asked("queue-presence")).toHaveLength(8);
  const read = asked("extension-presence").flatMap(({ path }) => /extension\/([\d,]+)\//.exec(path)![1]!.split(","));
  expect(read.toSorted()).toEqual(home.members.map(({ agent }) => agent.id).toSorted());
});

test("RAW stays the text of the last HTTP answer, which holds nothing that is joined", async () => {
  const { id } = await destinationWith([free, onCall], {
    acceptance: countOf('"acceptCurrentQueueCalls" : true', Scope.RAW),
  });
  expect(await service.check(id)).toMatchObject({ measured: 2, reason: Reason.CRITERIA_MET });
  const { response } = await explained(id);
  expect(response).toContain('"acceptCurrentQueueCalls" : true');
  expect(response).not.toContain("presenceStatus");
});

async function explained(destinationId: string) {
  const { explanation } = await service.availability.check({ destinationId, explain: true });
  return { response: explanation!.responseBody, text: explanation!.canonicalText };
}
