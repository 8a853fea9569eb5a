import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { AgentCount, JsonPathType } from "../gen/availability/v1/acceptance_pb.ts";
import { type Availability, Reason, ReasonSchema, Source, Verdict } from "../gen/availability/v1/availability_pb.ts";
import { type DayOfWeek, PresenceDetail } from "../gen/availability/v1/destination_pb.ts";
import { newApp } from "./support/connections.ts";
import { type DestinationInit, type DestinationSketch, destinationOf } from "./support/destinations.ts";
import { type RunningService, startService, temporaryDirectory } from "./support/service.ts";
import { watching } from "./support/watching.ts";

let service: RunningService;
let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
beforeAll(async () => {
  directory = await temporaryDirectory();
  service = await startService({ simulator: { queues: 0 } });
});
afterEach(() => {
  service.simulator.faults.clear();
  service.simulator.switches.maintenance = null;
});
afterAll(async () => {
  await service.stop();
  await directory.remove();
});

let made = 0;

/** A destination of a new queue of two agents, with a token of its own, so that it troubles nobody else. */
function fresh(sketch: DestinationSketch = {}) {
  const { simulator } = service;
  const token = `token-of-${++made}`;
  simulator.tokens.add(token);
  const { id: queueId } = simulator.world.addQueue(2);
  return { id: `reason-${made}`, queueId, token, ...sketch };
}

/** What a Check of a fresh destination answers, after `before` was done to it. */
async function checked(
  sketch: DestinationSketch = {},
  before: (destination: { id: string; queueId: string; token: string }) => unknown = () => {},
  options: Parameters<RunningService["check"]>[1] = {},
): Promise<Availability> {
  const destination = fresh(sketch);
  await service.configure(destination);
  await before(destination as { id: string; queueId: string; token: string });
  return await service.check(destination.id, options);
}

const fault = (kind: Parameters<typeof service.simulator.faults.add>[0]) => () => service.simulator.faults.add(kind);

/** How each reason comes about: from a real answer of the simulator, or of the service where RingCentral is not asked. */
const ROWS: Record<Exclude<keyof typeof Reason, "UNSPECIFIED">, () => Promise<Availability>> = {
  CRITERIA_MET: () => checked(),
  CRITERIA_NOT_MET: () =>
    checked({}, ({ queueId }) => service.simulator.world.setAll(queueId, { acceptCurrentQueueCalls: false })),
  DESTINATION_DISABLED: () => checked({ disabled: true }),
  async OUTSIDE_HOURS() {
    const inThreeDays = ((new Date().getUTCDay() + 3) % 7 || 7) as DayOfWeek;
    const hours = { day: inThreeDays, opens: "10:00", closes: "11:00" };
    const destination: DestinationInit = {
      ...destinationOf(service.simulator, fresh()),
      schedule: { timeZone: "UTC", weeklyRanges: [hours] },
    };
    await service.availability.configure({ destination });
    return await service.check(destination.id!);
  },
  OVERRIDDEN: () =>
    checked({}, ({ id }) =>
      service.destinations.setOverride({
        destinationIds: [id],
        accepted: true,
        expiresAt: { seconds: BigInt(Math.floor(Date.now() / 1000) + 60), nanos: 0 },
      }),
    ),
  UPSTREAM_UNAUTHENTICATED: () => checked({}, ({ token }) => service.simulator.tokens.delete(token)),
  async UPSTREAM_PERMISSION_DENIED() {
    const { jwt } = newApp(service.simulator, "forbidden", { scope: "ReadAccounts" });
    await service.connect({ id: "forbidden", oauth: jwt });
    return await checked({ connectionId: "forbidden" });
  },
  UPSTREAM_NOT_FOUND: () => checked({ queueId: "404" }),
  UPSTREAM_RATE_LIMITED: () =>
    checked({}, ({ token }) => service.simulator.limits.penalize(service.simulator.oauth.callerOf(token), "light")),
  UPSTREAM_TIMEOUT: () => checked({ timeoutMs: 200 }, fault({ kind: "hang" })),
  UPSTREAM_UNAVAILABLE: () =>
    checked({}, () => {
      service.simulator.switches.maintenance = { retryAfter: 30 };
    }),
  UPSTREAM_BAD_RESPONSE: () => checked({}, fault({ kind: "no-records" })),
  PRESENCE_UNKNOWN: () =>
    checked(
      {
        acceptance: { criterion: { case: "agents", value: { count: AgentCount.AVAILABLE } } },
        presenceDetail: PresenceDetail.QUEUE_AND_EXTENSION,
      },
      ({ queueId }) => {
        const { world } = service.simulator;
        world.set(queueId, 0, { telephonyStatus: "CallConnected" });
        world.set(queueId, 1, { allowSeeMyPresence: false });
      },
    ),
  NOT_IN_TIME: () => checked({}, () => {}, { maxWaitMs: 0 }),
  async NOT_OBSERVED_YET() {
    const destination = fresh();
    await service.configure(destination);
    const stream = watching(service.availability, { destinationIds: [destination.id], passive: true });
    const state = await stream.untilState(() => true);
    stream.leave();
    return state;
  },
  CRITERIA_FAILED: () =>
    checked({
      acceptance: { criterion: { case: "jsonPath", value: { type: JsonPathType.NUMBER, path: "$.agents" } } },
    }),
  async DESTINATION_INVALID() {
    const { simulator } = service;
    const storeUrl = `sqlite:${directory.path}/availability.db`;
    const first = await startService({ upstream: simulator, storeUrl });
    await first.configure(fresh({ id: "invalid" }));
    await first.stop();
    // The operator allows the server no more.
    const second = await startService({ upstream: simulator, storeUrl, env: { UPSTREAM_ALLOW: "" } });
    const answer = await second.check("invalid");
    await second.stop();
    return answer;
  },
};

test("there is a row for each reason", () => {
  const reasons = ReasonSchema.values.map(({ localName }) => localName).filter((name) => name !== "UNSPECIFIED");
  expect(Object.keys(ROWS).toSorted()).toEqual(reasons.toSorted());
});

const VERDICTS: Partial<Record<keyof typeof ROWS, Verdict>> = {
  CRITERIA_MET: Verdict.ACCEPTED,
  OVERRIDDEN: Verdict.ACCEPTED,
  CRITERIA_NOT_MET: Verdict.REJECTED,
  DESTINATION_DISABLED: Verdict.REJECTED,
  OUTSIDE_HOURS: Verdict.REJECTED,
};

test.each(Object.entries(ROWS))("%s", async (name, row) => {
  const answer = await row();
  const verdict = VERDICTS[name as keyof typeof ROWS] ?? Verdict.UNDECIDED;
  expect(answer).toMatchObject({
    reason: Reason[name as keyof typeof ROWS],
    verdict,
    // Where it cannot be said and nothing was known before, no call is sent.
    accepted: verdict === Verdict.ACCEPTED,
  });
  expect(answer.message).not.toBe("");
  if (name.startsWith("UPSTREAM")) expect(answer.source).toBe(Source.NONE);
});
