import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { AgentCount, Condition, RegexType, Scope } from "../gen/availability/v1/acceptance_pb.ts";
import { Reason, Verdict } from "../gen/availability/v1/availability_pb.ts";
import { PresenceDetail } from "../gen/availability/v1/destination_pb.ts";
import type { MemberChange } from "../simulator/agent.ts";
import { LAYOUTS } from "../simulator/layout.ts";
import { countOf, type DestinationSketch, destinationOf } from "./support/destinations.ts";
import { type RunningService, startService } from "./support/service.ts";

const ACCEPTING = '"acceptCurrentQueueCalls": true';
const ACCEPTING_AND_AVAILABLE = `${ACCEPTING}.*"presenceStatus": "Available"`;
const out: MemberChange = { acceptCurrentQueueCalls: false };

describe.each(LAYOUTS)("criteria on a queue answered in the %s layout", (layout) => {
  let service: RunningService;
  beforeAll(async () => {
    service = await startService({ simulator: { queues: 0, layout } });
  });
  afterAll(() => service.stop());

  /** A Check of a new queue with these members. */
  async function ask(members: readonly MemberChange[], sketch: DestinationSketch) {
    const { id: queueId } = service.simulator.world.addQueue(members);
    return service.check(await service.configure({ id: `queue-${queueId}`, queueId, ...sketch }));
  }
  const moreThan = (value: number, pattern = ACCEPTING) => ({
    acceptance: { ...countOf(pattern), condition: Condition.GREATER_THAN, value },
  });

  test.each([
    ["example 1: one is enough", 0, [{}, out], true, 1],
    ["example 1: nobody", 0, [out, out], false, 0],
    ["example 1: an empty queue", 0, [], false, 0],
    ["example 2: one is not enough for two", 1, [{}, out], false, 1],
    ["example 2: two", 1, [{}, {}], true, 2],
    ["example 4: two are not enough for three", 2, [{}, {}, out], false, 2],
    ["example 4: three", 2, [{}, {}, {}], true, 3],
  ] as const)("%s", async (_, value, members, accepted, measured) => {
    const answer = await ask(members, moreThan(value));
    const reason = accepted ? Reason.CRITERIA_MET : Reason.CRITERIA_NOT_MET;
    const verdict = accepted ? Verdict.ACCEPTED : Verdict.REJECTED;
    expect(answer).toMatchObject({ accepted, measured, reason, verdict });
  });

  test("the criteria that are not set are example 1", async () => {
    expect(await ask([{}, out], {})).toMatchObject({ accepted: true, measured: 1 });
  });

  test("example 3 counts who is available, from the agents' own presence where the queue's answer has none", async () => {
    const members = [{}, { presenceStatus: "Busy" }, { ...out }] as const;
    const answer = await ask(members, moreThan(0, ACCEPTING_AND_AVAILABLE));
    expect(answer).toMatchObject({ accepted: true, measured: 1, reason: Reason.CRITERIA_MET });
  });

  test("example 3 on the queue's answer alone is PRESENCE_UNKNOWN where that carries no presenceStatus", async () => {
    const members = [{}, { presenceStatus: "Busy" }, { ...out }] as const;
    const presenceDetail = PresenceDetail.QUEUE;
    const answer = await ask(members, { ...moreThan(0, ACCEPTING_AND_AVAILABLE), presenceDetail });
    const unknown = { accepted: false, verdict: Verdict.UNDECIDED, reason: Reason.PRESENCE_UNKNOWN, measured: 0 };
    expect(answer).toMatchObject(layout === "seed" ? { accepted: true, measured: 1 } : unknown);
  });

  test.each([
    '"acceptCurrentQueueCalls":true',
    '"acceptCurrentQueueCalls" : true',
    '"acceptCurrentQueueCalls"\\s*:\\s*true',
  ])("the spacing of %s does not matter", async (pattern) => {
    for (const scope of [Scope.RECORDS, Scope.BODY]) {
      const answer = await ask([{}, {}, out], { acceptance: countOf(pattern, scope) });
      expect(answer).toMatchObject({ accepted: true, measured: 2 });
    }
  });

  test.each([
    ["MATCH", { type: RegexType.MATCH, pattern: ACCEPTING }, [out, {}, {}], 1],
    ["CAPTURE", { type: RegexType.CAPTURE, pattern: '"extensionNumber": "(\\d+)"', scope: Scope.BODY }, [{}], 12101],
  ] as const)("regex %s", async (_, regex, members, least) => {
    const acceptance = { criterion: { case: "regex" as const, value: regex } };
    const { measured } = await ask(members, { acceptance });
    expect(measured).toBeGreaterThanOrEqual(least);
    if (regex.type === RegexType.MATCH) expect(measured).toBe(1);
  });

  test.each([
    [Condition.GREATER_THAN, 2, false],
    [Condition.GREATER_THAN_OR_EQUAL, 2, true],
    [Condition.LESS_THAN, 2, false],
    [Condition.LESS_THAN_OR_EQUAL, 2, true],
    [Condition.EQUAL, 2, true],
    [Condition.NOT_EQUAL, 2, false],
  ])("condition %i with %i of 2", async (condition, value, accepted) => {
    const answer = await ask([{}, {}, out], { acceptance: { ...countOf(ACCEPTING), condition, value } });
    expect(answer).toMatchObject({ accepted, measured: 2 });
  });

  test("only_extensions leaves everybody else out, of the counts too", async () => {
    const { id: queueId, members } = service.simulator.world.addQueue([{}, {}, out, out]);
    const numbers = members.map(({ agent }) => agent.extensionNumber);
    const configure = (id: string, onlyExtensions: string[]) => service.configure({ id, queueId, onlyExtensions });
    const one = await service.check(await configure("first-and-third", [numbers[0]!, numbers[2]!]));
    expect(one).toMatchObject({ accepted: true, measured: 1, agents: { total: 2, accepting: 1, optedOut: 1 } });
    const none = await service.check(await configure("last-two", [numbers[2]!, numbers[3]!]));
    expect(none).toMatchObject({ accepted: false, measured: 0, agents: { total: 2 } });
  });

  test("agents AVAILABLE leaves out who is on Do Not Disturb, where the answer says so", async () => {
    const acceptance = { criterion: { case: "agents" as const, value: { count: AgentCount.AVAILABLE } } };
    const answer = await ask([{}, { acceptQueueCalls: false }, out], { acceptance });
    if (layout === "seed") {
      // That answer does not say who takes queue calls at all: who is opted in may be available.
      expect(answer).toMatchObject({ reason: Reason.PRESENCE_UNKNOWN, agents: { accepting: 2, optedOut: 1 } });
      return;
    }
    const agents = { total: 3, available: 1, accepting: 2, doNotDisturb: 1, optedOut: 1, unknown: 0 };
    expect(answer).toMatchObject({ accepted: true, measured: 1, agents });
    expect(answer.agents).not.toHaveProperty("onCall");
    expect(answer.agents).not.toHaveProperty("offline");
  });
});

describe("Configure()", () => {
  let service: RunningService;
  beforeAll(async () => {
    service = await startService();
  });
  afterAll(() => service.stop());

  const warningsOf = async (acceptance: DestinationSketch["acceptance"]) => {
    const presenceDetail = PresenceDetail.QUEUE;
    const destination = destinationOf(service.simulator, { presenceDetail, ...(acceptance && { acceptance }) });
    const { warnings } = await service.availability.configure({ destination, validateOnly: true });
    return warnings.map(({ reason }) => reason);
  };

  test("warns of what is allowed and probably not meant", async () => {
    expect(await warningsOf(undefined)).toContain("COUNTS_DO_NOT_DISTURB");
    expect(await warningsOf(countOf(ACCEPTING_AND_AVAILABLE))).toContain("FIELD_NOT_IN_QUEUE_ANSWER");
    const swapped = countOf('"presenceStatus": "Available".*"acceptCurrentQueueCalls": true');
    expect(await warningsOf(swapped)).toContain("KEYS_AGAINST_CANONICAL_ORDER");
    const available = { criterion: { case: "agents" as const, value: { count: AgentCount.AVAILABLE } } };
    expect(await warningsOf(available)).toContain("CALLS_IN_PROGRESS_NOT_SEEN");
    expect(await warningsOf(countOf(ACCEPTING, Scope.RAW))).toContain("LAYOUTS_DISAGREE");
  });
});
