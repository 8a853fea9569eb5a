import type { MessageInitShape } from "@bufbuild/protobuf";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { JsonPathType, RegexType, Scope } from "../gen/availability/v1/acceptance_pb.ts";
import { Reason, Source, Verdict } from "../gen/availability/v1/availability_pb.ts";
import { OnUndecided, PresenceDetail } from "../gen/availability/v1/destination_pb.ts";
import type { EvaluateAcceptanceRequestSchema } from "../gen/availability/v1/destination_service_pb.ts";
import type { Explanation } from "../gen/availability/v1/explanation_pb.ts";
import { BadRequestSchema } from "../gen/google/rpc/error_details_pb.ts";
import type { MemberChange } from "../simulator/agent.ts";
import type { Fault } from "../simulator/faults.ts";
import { BOTH_PORTS, errorOf } from "./support/clients.ts";
import { countOf, type DestinationSketch, destinationOf } from "./support/destinations.ts";
import { type RunningService, startService } from "./support/service.ts";
import { text } from "./support/text.ts";

const AN_HOUR = 3_600_000;
const ACCEPTING = '"acceptCurrentQueueCalls": true';
const out: MemberChange = { acceptCurrentQueueCalls: false };

let service: RunningService;
beforeAll(async () => {
  service = await startService({ simulator: { queues: 0 } });
});
afterEach(() => service.simulator.faults.clear());
afterAll(() => service.stop());

let made = 0;

/** A destination with a queue and a token of its own, so that no back-off of another test bears on it. */
async function freshDestination(sketch: DestinationSketch = {}, members: readonly MemberChange[] = [{}, {}, out]) {
  const id = `case-${++made}`;
  const token = `secret/token-of.${id}~0123456789`;
  const { simulator } = service;
  const queue = simulator.world.addQueue(members);
  simulator.tokens.add(token);
  const given: DestinationSketch = { id, queueId: queue.id, token, maxAgeMs: AN_HOUR, timeoutMs: 2000, ...sketch };
  await service.configure(given);
  return {
    id,
    token,
    queue,
    unsaved: destinationOf(simulator, { ...given, id: `${id}-unsaved` }),
    fail: (...faults: Fault[]) => simulator.faults.add(...faults.map((fault) => ({ ...fault, queueId: queue.id }))),
    requests: () => simulator.requests.filter((request) => request.queueId === queue.id),
    explain: async (options: { maxAgeMs?: number } = {}) => {
      const maxAge = options.maxAgeMs === undefined ? {} : { maxAge: { seconds: BigInt(options.maxAgeMs / 1000) } };
      const answer = await service.availability.check({ destinationId: id, explain: true, ...maxAge });
      return { availability: answer.availability!, explanation: answer.explanation! };
    },
  };
}

type Target = Parameters<typeof service.destinations.testDestination>[0]["target"];
async function tryOut(target: Exclude<Target, undefined>, way = BOTH_PORTS[0]!) {
  const answer = await service.by(way).destinations.testDestination({ target });
  return { availability: answer.availability!, explanation: answer.explanation! };
}

/** The parts of the canonical text that matched. */
function matched({ canonicalText, matches }: Explanation): string[] {
  const bytes = Buffer.from(canonicalText);
  return matches.map(({ start, end }) => bytes.subarray(start, end).toString());
}

const WHOLE: [string, Fault | undefined, Reason, { status: number; hint: RegExp; body?: RegExp; times?: number }][] = [
  ["all well", undefined, Reason.CRITERIA_MET, { status: 200, hint: /^$/, body: /"records" : \[/ }],
  ["401", { kind: "unauthorized" }, Reason.UPSTREAM_UNAUTHENTICATED, { status: 401, hint: /expired.*new one/s }],
  ["403", { kind: "forbidden" }, Reason.UPSTREAM_PERMISSION_DENIED, { status: 403, hint: /"ReadPresence"/ }],
  ["404", { kind: "not-found" }, Reason.UPSTREAM_NOT_FOUND, { status: 404, hint: /internal id/, body: /CMN-102/ }],
  ["429", { kind: "rate-limited" }, Reason.UPSTREAM_RATE_LIMITED, { status: 429, hint: /retry_at/ }],
  ["500", { kind: "internal-error" }, Reason.UPSTREAM_UNAVAILABLE, { status: 500, hint: /in trouble/ }],
  ["503", { kind: "maintenance" }, Reason.UPSTREAM_UNAVAILABLE, { status: 503, hint: /in trouble/, body: /CMN-211/ }],
  ["502 twice", { kind: "proxy-error", times: 2 }, Reason.UPSTREAM_UNAVAILABLE, { status: 502, hint: /in trouble/ }],
  ["a reset twice", { kind: "reset", times: 2 }, Reason.UPSTREAM_UNAVAILABLE, { status: 0, hint: /in trouble/ }],
  ["a hang", { kind: "hang" }, Reason.UPSTREAM_TIMEOUT, { status: 0, hint: /longer timeout/ }],
  ["not JSON", { kind: "not-json" }, Reason.UPSTREAM_BAD_RESPONSE, { status: 200, hint: /server_url/, body: /,,$/ }],
  ["a page", { kind: "html" }, Reason.UPSTREAM_BAD_RESPONSE, { status: 200, hint: /proxy/, body: /Scheduled work/ }],
  ["no records", { kind: "no-records" }, Reason.UPSTREAM_BAD_RESPONSE, { status: 200, hint: /not RingCentral's/ }],
  [
    "no flag at all",
    { kind: "flag-missing", flag: "acceptCurrentQueueCalls" },
    Reason.PRESENCE_UNKNOWN,
    { status: 200, hint: /CallQueuePresence/ },
  ],
];

describe("TestDestination()", () => {
  test.each(WHOLE)(
    "shows request, status, body and a hint, saved or not: %s",
    async (name, fault, reason, expected) => {
      const times = fault?.times ?? 1;
      for (const saved of [true, false]) {
        const { id, token, queue, unsaved, fail, requests } = await freshDestination({
          ...(fault?.kind === "hang" && { timeoutMs: 300 }),
        });
        if (fault) fail(fault);
        const { availability, explanation } = await tryOut(
          saved ? { case: "destinationId", value: id } : { case: "destination", value: unsaved },
          BOTH_PORTS[saved ? 0 : 1],
        );
        expect(availability, name).toMatchObject({ reason, version: 0n, destinationId: saved ? id : `${id}-unsaved` });
        expect(explanation.status).toBe(expected.status);
        expect(explanation.hint).toMatch(expected.hint);
        expect(explanation.responseBody).toMatch(expected.body ?? /^/);
        expect(explanation.sentence).not.toBe("");
        const url = `${service.simulator.origin}/restapi/v1.0/account/~/call-queues/${queue.id}/presence`;
        expect(explanation.request).toMatchObject({ method: "GET", url });
        expect(explanation.curl).toMatch(/^curl .*"Authorization: Bearer \$TOKEN".*'$/);
        expect(explanation.curl).toContain(`'${url}'`);
        expect(text({ availability, explanation })).not.toContain(token);
        expect(requests()).toHaveLength(times);
        if (expected.status > 0) {
          const { firstByte, wait, token: minted } = explanation.timings!;
          expect([firstByte !== undefined, wait, minted]).toEqual([true, undefined, undefined]);
        }
      }
    },
  );

  test("shows what was counted: canonical text, matches, records and what the raw text would have measured", async () => {
    const { id, queue } = await freshDestination({ acceptance: countOf(ACCEPTING), onlyExtensions: [] });
    const { availability, explanation } = await tryOut({ case: "destinationId", value: id });
    expect(availability).toMatchObject({ accepted: true, verdict: Verdict.ACCEPTED, source: Source.LIVE, measured: 2 });
    expect(explanation).toMatchObject({ patternUsed: ACCEPTING, rawMeasured: 0, truncated: false });
    expect(matched(explanation)).toEqual([ACCEPTING, ACCEPTING]);
    expect(explanation.records).toMatchObject(
      queue.members.map(({ agent, acceptCurrentQueueCalls }, index) => ({
        index,
        extensionId: agent.id,
        name: agent.name,
        extensionNumber: agent.extensionNumber,
        matched: acceptCurrentQueueCalls,
        open: false,
        filteredOut: false,
      })),
    );
    expect(explanation.sentence).toMatch(/2.*more than 0/);
  });

  test("says what is wrong with a queue id that looks like an extension number", async () => {
    const { unsaved } = await freshDestination();
    const { template } = unsaved as { template: { value: object } };
    const value = {
      ...unsaved,
      template: { case: "ringCentral" as const, value: { ...template.value, callQueueId: "3001" } },
    };
    const { availability, explanation } = await tryOut({ case: "destination", value });
    expect(availability.reason).toBe(Reason.UPSTREAM_NOT_FOUND);
    expect(explanation.hint).toMatch(/"3001" looks like an extension number/);
  });

  test.each([
    ["nobody is logged in", [out, out], undefined, /logged in/],
    ["the queue is empty", [], undefined, /no members/],
    ["the pattern is misspelt", [{}], countOf('"acceptcurrentqueuecalls": true'), /spelling and case/],
  ] as const)("gives a hint when %s", async (_, members, acceptance, hint) => {
    const { id } = await freshDestination(acceptance ? { acceptance } : {}, members);
    const { availability, explanation } = await tryOut({ case: "destinationId", value: id });
    expect(availability.reason).toBe(Reason.CRITERIA_NOT_MET);
    expect(explanation.hint).toMatch(hint);
  });

  test("changes nothing: it feeds no snapshot, ends no back-off and opens none", async () => {
    const { id, fail, requests, explain } = await freshDestination({ failure: { onUndecided: OnUndecided.REJECT } });
    const target = { case: "destinationId", value: id } as const;
    expect((await tryOut(target)).availability.accepted).toBe(true);
    expect(await service.destinations.getPresence({ destinationId: id })).toMatchObject({ agents: [] });
    // A failed test is nobody's failure but its own.
    fail({ kind: "not-found" });
    expect((await tryOut(target)).availability.reason).toBe(Reason.UPSTREAM_NOT_FOUND);
    expect(await service.check(id)).toMatchObject({ accepted: true, source: Source.LIVE });
    // A back-off is for others.
    fail({ kind: "not-found" });
    expect((await explain({ maxAgeMs: 0 })).availability.reason).toBe(Reason.UPSTREAM_NOT_FOUND);
    const before = requests().length;
    expect((await tryOut(target)).availability.accepted).toBe(true);
    expect(requests()).toHaveLength(before + 1);
    expect(await service.check(id, { maxAgeMs: 0 })).toMatchObject({ reason: Reason.UPSTREAM_NOT_FOUND });
    expect(requests()).toHaveLength(before + 1);
    const stored = await service.destinations.listDestinations({ pageSize: 1000 });
    expect(stored.destinations.map((destination) => destination.id)).not.toContain(`${id}-unsaved`);
  });

  test("obeys a penalty, and tells the others of the one it met", async () => {
    const { id, fail, requests } = await freshDestination();
    fail({ kind: "rate-limited" });
    const target = { case: "destinationId", value: id } as const;
    const met = (await tryOut(target)).availability;
    for (const { reason, retryAt } of [(await tryOut(target)).availability, await service.check(id)]) {
      expect({ reason, retryAt }).toEqual({ reason: Reason.UPSTREAM_RATE_LIMITED, retryAt: met.retryAt });
    }
    expect(requests()).toHaveLength(1);
  });

  test("names every violation of what is unsaved, and the id of what is not there", async () => {
    const value = destinationOf({ ...service.simulator, world: { queueIds: ["x"] } }, { id: "no id", timeoutMs: 1 });
    const invalid = await errorOf(tryOut({ case: "destination", value }));
    const fields = invalid.findDetails(BadRequestSchema)[0]!.fieldViolations.map(({ field }) => field);
    expect(fields.sort()).toEqual(["destination.id", "destination.ring_central.call_queue_id", "destination.timeout"]);
    expect((await errorOf(tryOut({ case: "destinationId", value: "nobody" }))).message).toContain("nobody");
    expect((await errorOf(service.destinations.testDestination({}))).message).toMatch(/target|destination/);
  });
});

describe("the token", () => {
  const REFLECTED: ((token: string) => Fault)[] = [
    (token) => ({
      kind: "answer",
      status: 400,
      body: JSON.stringify({ errorCode: "CMN-101", message: `Bearer ${token}` }),
    }),
    (token) => ({ kind: "answer", status: 401, body: JSON.stringify({ errorCode: "OAU-213", message: token }) }),
    (token) => ({ kind: "answer", status: 403, body: JSON.stringify({ errorCode: "CMN-401", permissionName: token }) }),
    (token) => ({ kind: "answer", status: 500, body: token, headers: { RCRequestId: token } }),
    (token) => ({ kind: "answer", status: 200, body: `{"records": "${token}"}` }),
    (token) => ({ kind: "answer", status: 200, body: recordsOf(token) }),
    // As PHP and others escape a slash.
    (token) => ({ kind: "answer", status: 200, body: recordsOf(token).replaceAll("/", "\\/") }),
    // What is cut off must not leave half of it.
    (token) => ({
      kind: "answer",
      status: 200,
      body: `{"records": [{"member": {"name": "${"x".repeat(256 * 1024 - 60)}${token}"}}]}`,
    }),
    (token) => ({ kind: "redirect", location: `https://evil.example/?token=${token}` }),
    (token) => ({ kind: "redirect", location: `/restapi/v1.0/${token}` }),
  ];
  const recordsOf = (token: string) =>
    JSON.stringify({
      records: [{ member: { id: token, name: token, extensionNumber: token }, acceptCurrentQueueCalls: true }],
    });

  test.each(REFLECTED.map((fault, index) => [index, fault] as const))(
    "is in no explanation, presence, history or list of calls when RingCentral sends it back (%i)",
    async (_, fault) => {
      const { id, token, unsaved, fail, explain } = await freshDestination({
        acceptance: countOf("true", Scope.BODY),
      });
      const answers: unknown[] = [];
      fail(fault(token));
      answers.push(await tryOut({ case: "destination", value: unsaved }));
      fail(fault(token));
      answers.push(await tryOut({ case: "destinationId", value: id }));
      fail(fault(token));
      answers.push(await explain({ maxAgeMs: 0 }), await explain());
      answers.push(await service.destinations.listUpstreamCalls({ destinationId: id }));
      answers.push(await service.destinations.listAvailabilityHistory({ destinationId: id }));
      const [kept] = token.split("~");
      expect(text(answers).replaceAll("\\\\/", "/")).not.toContain(kept);
    },
  );

  test("is in no error of what is pasted in the wrong place", async () => {
    const { token, unsaved } = await freshDestination();
    const { template } = unsaved as { template: { value: object } };
    for (const wrong of [{ serverUrl: `https://user:${token}@evil.example` }, { serverUrl: token }]) {
      const value = { ...unsaved, template: { case: "ringCentral" as const, value: { ...template.value, ...wrong } } };
      const error = await errorOf(tryOut({ case: "destination", value }));
      expect(text([error.message, error.details])).not.toContain(token);
    }
  });
});

describe("Check() with explain", () => {
  test("explains LIVE, CACHE, LAST_KNOWN and a failure, each by what stands behind it", async () => {
    const { fail, explain, requests, token } = await freshDestination();
    const live = await explain();
    expect(live.availability).toMatchObject({ source: Source.LIVE, measured: 2 });
    expect(live.explanation).toMatchObject({ status: 200, hint: "", responseBody: expect.stringContaining("records") });
    expect(live.explanation.timings!.wait).toBeDefined();
    const cache = await explain();
    expect(cache.availability).toMatchObject({ source: Source.CACHE, version: live.availability.version });
    expect(cache.explanation.timings!.wait).toBeUndefined();
    expect(cache.explanation.canonicalText).toBe(live.explanation.canonicalText);
    fail({ kind: "internal-error", times: 2 });
    const known = await explain({ maxAgeMs: 0 });
    expect(known.availability).toMatchObject({ source: Source.LAST_KNOWN, accepted: true });
    expect(known.explanation).toMatchObject({
      status: 500,
      sentence: expect.stringMatching(/last known verdict/),
      hint: expect.stringMatching(/in trouble/),
    });
    expect(known.explanation.canonicalText).toBe(live.explanation.canonicalText);
    // What was explained was not asked for again.
    expect(requests().slice(0, 2)).toMatchObject([{ fault: undefined }, { fault: "internal-error" }]);
    const failing = await freshDestination();
    failing.fail({ kind: "forbidden", permission: "ReadPresence" });
    const failed = await failing.explain();
    expect(failed.availability).toMatchObject({ source: Source.NONE, reason: Reason.UPSTREAM_PERMISSION_DENIED });
    expect(failed.explanation).toMatchObject({ status: 403, canonicalText: "", records: [] });
    expect(failed.explanation.responseBody).toContain("CMN-401");
    expect(text([live, cache, known, failed])).not.toContain(token);
  });

  test("answers as without it, and is not set when it was not asked for", async () => {
    const { id, explain } = await freshDestination();
    const { availability } = await explain();
    const plain = await service.availability.check({ destinationId: id });
    expect(plain).toMatchObject({ availability: { ...availability, source: Source.CACHE } });
    expect(plain.explanation).toBeUndefined();
  });

  test("is for one destination at a time: BatchCheck refuses it for that item alone", async () => {
    const { id } = await freshDestination();
    const checks = [{ destinationId: id, explain: true }, { destinationId: id }];
    const { results } = await service.availability.batchCheck({ checks });
    expect(results.map(({ outcome }) => outcome.case)).toEqual(["error", "response"]);
  });
});

describe("json_path and property_path", () => {
  const path = (type: JsonPathType, path: string) => ({
    criterion: { case: "jsonPath" as const, value: { type, path } },
  });

  test.each([
    ["COUNT", path(JsonPathType.COUNT, "$.records[?@.acceptCurrentQueueCalls==true]"), 2],
    ["NUMBER", path(JsonPathType.NUMBER, "$.records[0].member.id.length"), undefined],
    ["BOOLEAN", path(JsonPathType.BOOLEAN, "$.records[0].acceptCurrentQueueCalls"), 1],
    ["EXISTS", path(JsonPathType.EXISTS, "$.records[?match(@.member.name, '.* .*')]"), 1],
  ] as const)("%s decides a Check", async (type, acceptance, measured) => {
    const { id } = await freshDestination({ acceptance });
    const answer = await service.check(id);
    expect(answer).toMatchObject(
      type === "NUMBER"
        ? { accepted: false, reason: Reason.CRITERIA_FAILED, verdict: Verdict.UNDECIDED }
        : { accepted: true, reason: Reason.CRITERIA_MET, measured },
    );
  });

  test("see what only_extensions leaves", async () => {
    const { unsaved, queue } = await freshDestination();
    const [first, , third] = queue.members.map(({ agent }) => agent.extensionNumber);
    const { template } = unsaved as { template: { value: object } };
    const value = {
      ...unsaved,
      template: { case: "ringCentral" as const, value: { ...template.value, onlyExtensions: [first!, third!] } },
      acceptance: path(JsonPathType.COUNT, "$.records[?@.acceptCurrentQueueCalls==true]"),
      availability: { propertyPath: "$.records[*]" },
    };
    await service.availability.configure({ destination: value });
    expect(await service.check(value.id!)).toMatchObject({ measured: 1, availableAgents: 2, agents: { total: 2 } });
    const { explanation } = await tryOut({ case: "destinationId", value: value.id! });
    expect(explanation.records.map(({ filteredOut }) => filteredOut)).toEqual([false, true, false]);
  });
});

describe("EvaluateAcceptance()", () => {
  type EvaluateRequest = Omit<MessageInitShape<typeof EvaluateAcceptanceRequestSchema>, "responseBody" | "$typeName">;
  const evaluate = (body: string | object, request: EvaluateRequest = {}, way = BOTH_PORTS[0]!) => {
    const responseBody = Buffer.from(typeof body === "string" ? body : JSON.stringify(body));
    return service.by(way).destinations.evaluateAcceptance({ ...request, responseBody });
  };
  const SAMPLE = {
    records: [
      {
        extension: { id: "12345", extensionNumber: "345" },
        acceptCurrentQueueCalls: true,
        presenceStatus: "Available",
      },
      { extension: { id: "12346", extensionNumber: "346" }, acceptCurrentQueueCalls: false, presenceStatus: "Busy" },
    ],
  };

  test.each(BOTH_PORTS)("says what the criteria find in a body, by %s", async (way) => {
    const acceptance = countOf(`${ACCEPTING}.*"presenceStatus": "Available"`);
    for (const body of [SAMPLE, JSON.stringify(SAMPLE, null, 2)]) {
      const { availability, explanation } = await evaluate(body, { acceptance }, way);
      expect(availability).toMatchObject({ accepted: true, measured: 1, reason: Reason.CRITERIA_MET, version: 0n });
      expect(matched(explanation!)).toEqual([`${ACCEPTING}, "presenceStatus": "Available"`]);
      expect(explanation!.records.map((record) => record.matched)).toEqual([true, false]);
      expect(explanation).toMatchObject({ status: 0, curl: "" });
    }
  });

  test("takes only_extensions and property_path, and the default criteria when none are given", async () => {
    const availability = { propertyPath: "$.records[*]" };
    const answer = await evaluate(SAMPLE, { availability, onlyExtensions: ["346"] });
    expect(answer.availability).toMatchObject({ accepted: false, measured: 0, availableAgents: 1 });
  });

  test("answers what is no presence, and refuses what is no criterion, naming everything", async () => {
    for (const body of ["", "{", "[]", "{}"]) {
      expect((await evaluate(body)).availability!.reason, body).toBe(Reason.UPSTREAM_BAD_RESPONSE);
    }
    const broken = { criterion: { case: "jsonPath", value: { path: "$[" } }, value: Number.NaN } as const;
    const error = await errorOf(
      evaluate(SAMPLE, { acceptance: broken, availability: { propertyPath: "records" }, onlyExtensions: ["x"] }),
    );
    const fields = error.findDetails(BadRequestSchema)[0]!.fieldViolations.map(({ field }) => field);
    expect(fields.sort()).toEqual([
      "acceptance.json_path.path",
      "acceptance.value",
      "availability.property_path",
      "only_extensions[0]",
    ]);
  });

  const LONG = { records: [{ text: "a".repeat(1_000_000) }] };
  const DEEP = `{"records": [${"[".repeat(1000)}${"]".repeat(1000)}]}`;
  const MANY = { records: Array.from({ length: 8000 }, (_, i) => ({ a: [i, { b: i }] })) };
  const hostilePath = (path: string) => ({ criterion: { case: "jsonPath" as const, value: { path } } });
  test.each([
    ["a pattern", LONG, countOf("(?s)(.*,){20}x", Scope.BODY)],
    ["a path that multiplies", MANY, hostilePath("$..*[?count($..*)>1]")],
    ["a path with a pattern", MANY, hostilePath("$..[?search(@.b, '(a+)+$') || count(@..*) > 3]")],
    ["a deep document", DEEP, hostilePath("$..[?@..[?@..*]]")],
    ["a long text", LONG, { criterion: { case: "regex", value: { type: RegexType.MATCH, pattern: "(a+)+$" } } }],
  ] as const)("holds nobody up: %s", async (_, body, acceptance) => {
    const { id } = await freshDestination();
    await service.check(id);
    let over = false;
    const hostile = evaluate(body, { acceptance }).finally(() => (over = true));
    let meanwhile = 0;
    while (!over) {
      const answers = await Promise.all(BOTH_PORTS.map((way) => service.check(id, { way })));
      expect(answers.every(({ accepted }) => accepted)).toBe(true);
      meanwhile++;
    }
    expect((await hostile).availability!.reason).toBeGreaterThan(0);
    expect(meanwhile).toBeGreaterThan(0);
  });
});

test("example 3 of CallGrid's page is decided and explained on its layout, and hinted at on RingCentral's queue answer alone", async () => {
  const acceptance = countOf(`${ACCEPTING}.*"presenceStatus": "Available"`);
  const { id } = await freshDestination({ acceptance, presenceDetail: PresenceDetail.QUEUE });
  const real = await tryOut({ case: "destinationId", value: id });
  expect(real.availability.reason).toBe(Reason.PRESENCE_UNKNOWN);
  expect(real.explanation.hint).toMatch(/no presenceStatus/);
  expect(real.explanation.records.map(({ open }) => open)).toEqual([true, true, true]);
  const pages = await startService({ simulator: { queues: 0, layout: "seed" } });
  const queue = pages.simulator.world.addQueue([{}, { presenceStatus: "Busy" }, out]);
  const destinationId = await pages.configure({ queueId: queue.id, acceptance });
  const responseBody = Buffer.from('{"records": []}');
  const tried = await pages.destinations.evaluateAcceptance({ acceptance, responseBody });
  expect(tried.availability).toMatchObject({ accepted: false, measured: 0 });
  // Criteria are tried out without a call.
  expect(pages.simulator.requests).toHaveLength(0);
  const target = { case: "destinationId", value: destinationId } as const;
  const { availability, explanation } = await pages.destinations.testDestination({ target });
  expect(availability).toMatchObject({ accepted: true, measured: 1 });
  expect(explanation!.records.map((record) => record.matched)).toEqual([true, false, false]);
  expect(matched(explanation!)).toEqual([`${ACCEPTING}, "presenceStatus": "Available"`]);
  // The page prints a blank after the colon, but every member on a line of its own: `.` does not reach the next.
  expect(explanation!.rawMeasured).toBe(0);
  await pages.stop();
});
