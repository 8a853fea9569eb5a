import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Scope } from "../gen/availability/v1/acceptance_pb.ts";
import { Reason } from "../gen/availability/v1/availability_pb.ts";
import { BadRequestSchema } from "../gen/google/rpc/error_details_pb.ts";
import { BOTH_PORTS, errorOf } from "./support/clients.ts";
import { countOf } from "./support/destinations.ts";
import { type RunningService, startService } from "./support/service.ts";

const MANY_AGENTS = 5400;
const JUST_BELOW_1_MB = 1_040_000;
const AN_HOUR = 3_600_000;

let service: RunningService;
beforeAll(async () => {
  service = await startService({ simulator: { queues: 1, agents: 3, layout: "compact" } });
  service.simulator.world.addQueue(MANY_AGENTS);
  await service.configure({ id: "ordinary", maxAgeMs: AN_HOUR });
  await service.check("ordinary");
});
afterAll(() => service.stop());

describe.each(["(a+)+$", "(?s)(.*,){20}x", "a.*z|a"])("the pattern %s", (pattern) => {
  test.each([
    ["BODY", Scope.BODY],
    ["RAW", Scope.RAW],
  ])("over %s of 1 MB holds nobody up, and the next ordinary Check works", async (name, scope) => {
    const { simulator } = service;
    const queueId = simulator.world.queueIds[1]!;
    const id = `hostile-${name}`;
    if (scope === Scope.RAW) simulator.faults.add({ kind: "huge-body", bytes: JUST_BELOW_1_MB, queueId });
    await service.configure({ id, queueId, maxAgeMs: AN_HOUR, acceptance: countOf(pattern, scope) });
    simulator.clearRequests();
    let over = false;
    const hostile = service.check(id, { maxAgeMs: 0 }).finally(() => (over = true));
    await simulator.waitForRequests(1);
    // How many callers are answered while the pattern runs says that it runs elsewhere.
    let meanwhile = 0;
    while (!over) {
      await Promise.all(BOTH_PORTS.map((way) => service.check("ordinary", { way })));
      if (!over) meanwhile++;
    }
    const answer = await hostile;
    expect([Reason.CRITERIA_FAILED, Reason.CRITERIA_MET, Reason.CRITERIA_NOT_MET]).toContain(answer.reason);
    // One that is decided may be so quick that nobody came in between.
    if (answer.reason === Reason.CRITERIA_FAILED) expect(meanwhile).toBeGreaterThan(0);
    expect(await service.check("ordinary", { maxAgeMs: 0 })).toMatchObject({ reason: Reason.CRITERIA_MET });
    await service.destinations.deleteDestination({ destinationId: id });
  });
});

test("a text over 1 MB is CRITERIA_FAILED", async () => {
  const { id: queueId } = service.simulator.world.addQueue(9000);
  for (const [scope, reason] of [
    [Scope.BODY, Reason.CRITERIA_FAILED],
    [Scope.RAW, Reason.CRITERIA_FAILED],
  ] as const) {
    const acceptance = countOf('"acceptCurrentQueueCalls"\\s*:\\s*true', scope);
    const id = await service.configure({ id: `large-${scope}`, queueId, maxAgeMs: AN_HOUR, acceptance });
    const answer = await service.check(id);
    expect(answer.reason).toBe(reason);
    expect(answer.measured).toBeUndefined();
    expect(answer.agents?.total).toBe(9000);
  }
});

test.each([
  ["(a*)", "MATCHES_EMPTY_TEXT"],
  ["(?=a)b", "LOOK_AROUND_NOT_SUPPORTED"],
  ["(a)\\1", "BACK_REFERENCE_NOT_SUPPORTED"],
  ["(x{1000}){1000}", /./],
  ["(", "INVALID_PATTERN"],
])("the pattern %s is refused", async (pattern, reason) => {
  const error = await errorOf(service.configure({ id: "refused", acceptance: countOf(pattern) }));
  const [violation] = error.findDetails(BadRequestSchema)[0]!.fieldViolations;
  expect(violation).toMatchObject({ field: "destination.acceptance.regex.pattern" });
  expect(violation!.reason).toMatch(reason);
});
