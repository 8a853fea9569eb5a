import { timestampMs } from "@bufbuild/protobuf/wkt";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Availability, Reason, Source, Verdict } from "../gen/availability/v1/availability_pb.ts";
import { OnUndecided } from "../gen/availability/v1/destination_pb.ts";
import type { Fault } from "../simulator/faults.ts";
import { BOTH_PORTS } from "./support/clients.ts";
import { type DestinationSketch, duration } from "./support/destinations.ts";
import { type RunningService, startService } from "./support/service.ts";
import { watching } from "./support/watching.ts";

const AN_HOUR = 3_600_000;
const FOR_EVER = Number.POSITIVE_INFINITY;
// Two clocks of one machine agree within this.
const CLOCKS_MS = 3;

let service: RunningService;
beforeAll(async () => {
  service = await startService({ simulator: { queues: 0 } });
});
afterAll(() => service.stop());

let made = 0;

/** A destination with a queue and a token of its own, so that no back-off of another test bears on it. */
async function freshDestination(sketch: DestinationSketch = {}) {
  const name = `case-${++made}`;
  const token = `token-of-${name}`;
  const queueId = service.simulator.world.addQueue(2).id;
  service.simulator.tokens.add(token);
  const given = {
    id: name,
    queueId,
    token,
    maxAgeMs: AN_HOUR,
    failure: { onUndecided: OnUndecided.REJECT },
    ...sketch,
  };
  await service.configure(given);
  return {
    id: name,
    queueId,
    token,
    sketch: given,
    fail: (...faults: Fault[]) => service.simulator.faults.add(...faults.map((fault) => ({ ...fault, queueId }))),
    recover: () => service.simulator.faults.clear(),
    requests: () => service.simulator.requests.filter((request) => request.queueId === queueId),
  };
}

function retryAtOf({ retryAt }: Availability): number {
  if (!retryAt) throw new Error("Cannot look at retry_at: it is absent");
  return timestampMs(retryAt);
}

/** Resolves with the first accepted state that an active watcher is sent. */
async function accepted(id: string): Promise<Availability> {
  const watch = watching(service.availability, { destinationIds: [id] });
  const state = await watch.untilState((state) => state.verdict === Verdict.ACCEPTED);
  watch.leave();
  return state;
}

const TROUBLE = { first: 250 };
const REFUSED = { first: 10_000 };
/** Every trouble the simulator can make: the reason it becomes, how long it is left alone, how many requests it took. */
const TROUBLES: [string, Fault, Reason, { first: number; requests?: number; says?: RegExp }][] = [
  [
    "401",
    { kind: "unauthorized" },
    Reason.UPSTREAM_UNAUTHENTICATED,
    { ...REFUSED, says: /token is not known any more/ },
  ],
  [
    "403 of the app",
    { kind: "forbidden" },
    Reason.UPSTREAM_PERMISSION_DENIED,
    { ...REFUSED, says: /app.*ReadPresence/ },
  ],
  [
    "403 of the user",
    { kind: "forbidden", of: "user" },
    Reason.UPSTREAM_PERMISSION_DENIED,
    { ...REFUSED, says: /user/ },
  ],
  ["404", { kind: "not-found" }, Reason.UPSTREAM_NOT_FOUND, { ...REFUSED, says: /no such queue/ }],
  [
    "400 for a queue",
    { kind: "not-found", status: 400 },
    Reason.UPSTREAM_NOT_FOUND,
    { ...REFUSED, says: /no such queue/ },
  ],
  ["429", { kind: "rate-limited" }, Reason.UPSTREAM_RATE_LIMITED, { first: 60_000 }],
  [
    "429 without Retry-After",
    { kind: "rate-limited", retryAfter: null },
    Reason.UPSTREAM_RATE_LIMITED,
    { first: 60_000 },
  ],
  ["429 of the edge", { kind: "rate-limited-at-edge" }, Reason.UPSTREAM_RATE_LIMITED, { first: 60_000 }],
  ["500", { kind: "internal-error" }, Reason.UPSTREAM_UNAVAILABLE, TROUBLE],
  [
    "503 with Retry-After",
    { kind: "maintenance" },
    Reason.UPSTREAM_UNAVAILABLE,
    { first: 30_000, says: /maintenance/ },
  ],
  ["502 twice", { kind: "proxy-error", times: 2 }, Reason.UPSTREAM_UNAVAILABLE, { ...TROUBLE, requests: 2 }],
  ["a reset twice", { kind: "reset", times: 2 }, Reason.UPSTREAM_UNAVAILABLE, { ...TROUBLE, requests: 2 }],
  ["a hang", { kind: "hang" }, Reason.UPSTREAM_TIMEOUT, TROUBLE],
  ["a body that is too slow", { kind: "slow-body", ms: 5000 }, Reason.UPSTREAM_TIMEOUT, TROUBLE],
  ["a body cut off", { kind: "cut-body" }, Reason.UPSTREAM_UNAVAILABLE, TROUBLE],
  ["5 MB", { kind: "huge-body", bytes: 5_000_000 }, Reason.UPSTREAM_BAD_RESPONSE, { ...TROUBLE, says: /4 MB/ }],
  ["what is not JSON", { kind: "not-json" }, Reason.UPSTREAM_BAD_RESPONSE, TROUBLE],
  ["a page for people", { kind: "html" }, Reason.UPSTREAM_BAD_RESPONSE, TROUBLE],
  ["no records", { kind: "no-records" }, Reason.UPSTREAM_BAD_RESPONSE, { ...TROUBLE, says: /records/ }],
  [
    "a redirect to another host",
    { kind: "redirect", location: "https://evil.example/restapi/v1.0/account/~/call-queues/1/presence" },
    Reason.UPSTREAM_BAD_RESPONSE,
    { ...TROUBLE, says: /allow-list/ },
  ],
  ["another status", { kind: "answer", status: 418 }, Reason.UPSTREAM_BAD_RESPONSE, TROUBLE],
];

describe.each(TROUBLES)("RingCentral answers %s:", (_, fault, reason, { first, requests: attempts = 1, says }) => {
  test("Check() gives the reason and retry_at, and nobody calls before it", async () => {
    const { id, fail, recover, requests } = await freshDestination({ timeoutMs: 300 });
    fail(fault);
    const before = Date.now();
    const answer = await service.check(id);
    const after = Date.now();
    expect(answer).toMatchObject({ accepted: false, verdict: Verdict.UNDECIDED, reason, source: Source.NONE });
    expect(answer.observedAt).toBeUndefined();
    expect(answer.measured).toBeUndefined();
    if (says) expect(answer.message).toMatch(says);
    expect(retryAtOf(answer)).toBeGreaterThanOrEqual(before + first - CLOCKS_MS);
    expect(retryAtOf(answer)).toBeLessThanOrEqual(after + first + CLOCKS_MS);

    const again = await Promise.all(
      Array.from({ length: 20 }, (_, i) => service.check(id, { maxAgeMs: 0, way: BOTH_PORTS[i % 2]! })),
    );
    if (first >= 10_000) {
      for (const same of again)
        expect(same).toMatchObject({ reason, retryAt: answer.retryAt, message: answer.message });
      expect(requests()).toHaveLength(attempts);
    } else {
      expect((await accepted(id)).measured).toBe(2);
      const [firstAfter] = requests().slice(attempts);
      expect(firstAfter!.at).toBeGreaterThanOrEqual(retryAtOf(answer) - CLOCKS_MS);
    }
    recover();
  });
});

test.each([
  ["502", { kind: "proxy-error" }],
  ["503 of a proxy", { kind: "proxy-error", status: 503 }],
  ["a reset", { kind: "reset" }],
] satisfies [string, Fault][])("Check() is answered by a second attempt when the first met %s", async (_, fault) => {
  const { id, fail, requests } = await freshDestination();
  fail(fault);
  expect(await service.check(id)).toMatchObject({ accepted: true, source: Source.LIVE });
  expect(requests()).toHaveLength(2);
});

test("a redirect within RingCentral is followed, with the token", async () => {
  const { id, queueId, fail } = await freshDestination();
  fail({ kind: "redirect", location: `/restapi/v1.0/account/~/call-queues/${queueId}/presence?moved=1` });
  expect(await service.check(id)).toMatchObject({ accepted: true });
  expect(service.simulator.requests.at(-1)).toMatchObject({
    path: expect.stringMatching(/moved=1$/),
    authorization: true,
  });
});

test("a back-off that Retry-After named ends by itself, and not before", async () => {
  const { id, fail, requests } = await freshDestination();
  fail({ kind: "maintenance", retryAfter: 1 });
  const answer = await service.check(id);
  expect((await accepted(id)).reason).toBe(Reason.CRITERIA_MET);
  const [failed, next] = requests();
  expect(next!.at - failed!.at).toBeGreaterThanOrEqual(1000 - CLOCKS_MS);
  expect(next!.at).toBeGreaterThanOrEqual(retryAtOf(answer) - CLOCKS_MS);
});

test("a Configure does not end a back-off that Retry-After named", async () => {
  const { id, sketch, fail } = await freshDestination();
  fail({ kind: "maintenance" });
  const down = await service.check(id);
  const queueId = service.simulator.world.addQueue(1).id;
  await service.configure({ ...sketch, queueId });
  const answer = await service.check(id, { maxAgeMs: 0 });
  expect(answer).toMatchObject({ reason: Reason.UPSTREAM_UNAVAILABLE, retryAt: down.retryAt });
  expect(service.simulator.requests.filter((request) => request.queueId === queueId)).toHaveLength(0);
});

test("a 429 penalty is never called into: not for another queue of the token, nor after a Configure", async () => {
  const { id, token, sketch, fail } = await freshDestination();
  const other = await freshDestination({ token });
  fail({ kind: "answer", status: 429, headers: { "retry-after": "2" } });
  const limited = await service.check(id);
  expect(limited.reason).toBe(Reason.UPSTREAM_RATE_LIMITED);
  await service.configure({ ...sketch, queueId: service.simulator.world.addQueue(1).id });
  for (const each of [id, other.id]) {
    const answer = await service.check(each, { maxAgeMs: 0 });
    expect(answer).toMatchObject({ reason: Reason.UPSTREAM_RATE_LIMITED, retryAt: limited.retryAt });
  }
  const before = service.simulator.requests.length;
  await Promise.all([accepted(id), accepted(other.id)]);
  for (const { at } of service.simulator.requests.slice(before)) {
    expect(at).toBeGreaterThanOrEqual(retryAtOf(limited) - CLOCKS_MS);
  }
});

test("a 401 stops every queue of the token, and a Configure with a new token ends that at once", async () => {
  const { id, token, sketch, fail } = await freshDestination();
  const other = await freshDestination({ token });
  fail({ kind: "unauthorized", times: FOR_EVER });
  const refused = await service.check(id);
  expect(await service.check(other.id)).toMatchObject({
    reason: Reason.UPSTREAM_UNAUTHENTICATED,
    retryAt: refused.retryAt,
  });
  expect(other.requests()).toHaveLength(0);
  service.simulator.faults.clear();
  service.simulator.tokens.add("a-new-token");
  await service.configure({ ...sketch, token: "a-new-token" });
  expect(await service.check(id)).toMatchObject({ accepted: true, source: Source.LIVE });
  expect((await service.check(other.id)).reason).toBe(Reason.UPSTREAM_UNAUTHENTICATED);
});

test("a 404 leaves other queues of the token alone", async () => {
  const { id, token, fail } = await freshDestination();
  const other = await freshDestination({ token });
  fail({ kind: "not-found" });
  expect((await service.check(id)).reason).toBe(Reason.UPSTREAM_NOT_FOUND);
  expect(await service.check(other.id)).toMatchObject({ accepted: true });
});

test("RingCentral's limit is kept, not found out: the Check over it is told at once when to come again", async () => {
  const { token } = await freshDestination();
  service.simulator.limits.setLimit("light", 5);
  try {
    const { id, requests } = await freshDestination({ token });
    for (let i = 0; i < 5; i++) expect((await service.check(id, { maxAgeMs: 0 })).accepted).toBe(true);
    const over = await service.check(id, { maxAgeMs: 0 });
    expect(over).toMatchObject({ accepted: false, reason: Reason.UPSTREAM_RATE_LIMITED });
    expect(retryAtOf(over) - requests()[0]!.at).toBeGreaterThanOrEqual(60_000 - CLOCKS_MS);
    expect(requests()).toHaveLength(5);
    expect(requests().map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
  } finally {
    service.simulator.limits.setLimit("light", FOR_EVER);
  }
});

describe("the failure policy", () => {
  const policies = { LAST_KNOWN: OnUndecided.LAST_KNOWN, REJECT: OnUndecided.REJECT, ACCEPT: OnUndecided.ACCEPT };
  type Policy = keyof typeof policies;
  const failed = async (policy: Policy, fault: Fault, options: { after: "a verdict" | "nothing" }) => {
    const destination = await freshDestination({ failure: { onUndecided: policies[policy] } });
    const known = options.after === "a verdict" ? await service.check(destination.id) : undefined;
    destination.fail({ ...fault, times: 2 });
    const answer = await service.check(destination.id, { maxAgeMs: 0 });
    destination.recover();
    return { ...destination, known, answer };
  };
  const down: Fault = { kind: "maintenance" };

  test.each([
    ["LAST_KNOWN", "nothing", false, Source.NONE],
    ["LAST_KNOWN", "a verdict", true, Source.LAST_KNOWN],
    ["REJECT", "a verdict", false, Source.NONE],
    ["ACCEPT", "nothing", false, Source.NONE],
    ["ACCEPT", "a verdict", true, Source.NONE],
  ] satisfies [Policy, "nothing" | "a verdict", boolean, Source][])(
    "%s, RingCentral down after %s: accepted %s",
    async (policy, after, accepted, source) => {
      const { answer, known } = await failed(policy, down, { after });
      expect(answer).toMatchObject({
        verdict: Verdict.UNDECIDED,
        reason: Reason.UPSTREAM_UNAVAILABLE,
        accepted,
        source,
      });
      const shown = source === Source.LAST_KNOWN ? known : undefined;
      expect(answer.observedAt).toEqual(shown?.observedAt);
      expect(answer.measured).toEqual(shown?.measured);
      expect(answer.agents).toEqual(shown?.agents);
    },
  );

  test.each([
    ["LAST_KNOWN", { kind: "not-found" }],
    ["LAST_KNOWN", { kind: "forbidden" }],
    ["ACCEPT", { kind: "not-found" }],
    ["ACCEPT", { kind: "forbidden" }],
  ] satisfies [Policy, Fault][])("%s does not accept what RingCentral says for certain: %o", async (policy, fault) => {
    const { answer } = await failed(policy, fault, { after: "a verdict" });
    expect(answer).toMatchObject({ verdict: Verdict.UNDECIDED, accepted: false, source: Source.NONE });
    expect(answer.observedAt).toBeUndefined();
  });

  test("LAST_KNOWN gives a rejection back as well", async () => {
    const { id, queueId, fail } = await freshDestination({ failure: { onUndecided: OnUndecided.LAST_KNOWN } });
    service.simulator.world.setAll(queueId, { acceptCurrentQueueCalls: false });
    await service.check(id);
    fail({ kind: "maintenance" });
    const answer = await service.check(id, { maxAgeMs: 0 });
    expect(answer).toMatchObject({ accepted: false, source: Source.LAST_KNOWN, measured: 0 });
  });

  test("LAST_KNOWN ends with last_known_limit, and watchers are told", async () => {
    const { id, fail } = await freshDestination({
      failure: { onUndecided: OnUndecided.LAST_KNOWN, lastKnownLimit: duration(1000) },
    });
    const known = await service.check(id);
    fail({ kind: "maintenance" });
    expect(await service.check(id, { maxAgeMs: 0 })).toMatchObject({ accepted: true, source: Source.LAST_KNOWN });
    const watch = watching(service.availability, { destinationIds: [id], passive: true });
    const ended = await watch.untilState(({ source }) => source === Source.NONE);
    watch.leave();
    expect(ended).toMatchObject({ accepted: false, reason: Reason.UPSTREAM_UNAVAILABLE });
    expect(Date.now() - timestampMs(known.observedAt!)).toBeGreaterThanOrEqual(1000 - CLOCKS_MS);
  });

  test("LAST_KNOWN forgets the verdict when the question is another one", async () => {
    const { id, sketch, token } = await freshDestination({ failure: { onUndecided: OnUndecided.LAST_KNOWN } });
    await service.check(id);
    const other = service.simulator.world.addQueue(2).id;
    await service.configure({ ...sketch, token, queueId: other });
    service.simulator.faults.add({ kind: "maintenance", queueId: other });
    expect(await service.check(id)).toMatchObject({ accepted: false, source: Source.NONE });
  });

  test("PRESENCE_UNKNOWN shows what was read, and LAST_KNOWN what was known", async () => {
    const flag: Fault = { kind: "flag-missing", flag: "acceptCurrentQueueCalls" };
    const rejected = await failed("REJECT", flag, { after: "a verdict" });
    expect(rejected.answer).toMatchObject({
      reason: Reason.PRESENCE_UNKNOWN,
      accepted: false,
      source: Source.LIVE,
      measured: 0,
    });
    const known = await failed("LAST_KNOWN", flag, { after: "a verdict" });
    expect(known.answer).toMatchObject({
      reason: Reason.PRESENCE_UNKNOWN,
      accepted: true,
      source: Source.LAST_KNOWN,
      measured: 2,
    });
  });

  test("a disabled destination is rejected without a call", async () => {
    const { id, requests } = await freshDestination({ disabled: true });
    expect(await service.check(id)).toMatchObject({
      accepted: false,
      verdict: Verdict.REJECTED,
      reason: Reason.DESTINATION_DISABLED,
      source: Source.NONE,
    });
    expect(requests()).toHaveLength(0);
  });
});
