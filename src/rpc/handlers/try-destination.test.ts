import { create } from "@bufbuild/protobuf";
import { Code, type ConnectError } from "@connectrpc/connect";
import { afterAll, describe, expect, test } from "vitest";
import {
  AgentCount,
  type Condition,
  RegexCriterionSchema,
  RegexType,
  Scope,
} from "../../../gen/availability/v1/acceptance_pb.ts";
import { Reason, Source, Verdict } from "../../../gen/availability/v1/availability_pb.ts";
import { BadRequestSchema } from "../../../gen/google/rpc/error_details_pb.ts";
import { createEvaluator } from "../../acceptance/evaluate.ts";
import { createExplainer } from "../../acceptance/explain.ts";
import { createEvaluateAcceptance } from "../../availability/evaluate-acceptance.ts";
import { createTestDestination } from "../../availability/try-destination.ts";
import { createPrepare } from "../../destinations/prepare.ts";
import { destinationOf, newDestination, startDestinations, TOKEN } from "../../destinations/test-destinations.ts";
import { Presence } from "../../presence/presence.ts";
import { pastedTokens } from "../../presence/test-presence.ts";
import { agents, TestReader } from "../../presence/test-reader.ts";
import { Budgets } from "../../ringcentral/calls/budgets.ts";
import { connectionSource } from "../../ringcentral/connection-source.ts";
import { Connections } from "../../ringcentral/connections.ts";
import { questionOf } from "../../ringcentral/question.ts";
import { BackOffs } from "../../upstream/backoff.ts";
import { clientsOf } from "./test-client.ts";

const explainer = createExplainer();
afterAll(() => explainer.close());

/** The handlers over a RingCentral that answers every read with two agents who accept and one who does not. */
async function start() {
  const service = await startDestinations();
  const { clock, registry } = service;
  const reader = new TestReader(clock);
  reader.always = (read) => read.answer(agents(2, 1));
  const backOffs = new BackOffs();
  const connections = new Connections({
    clock,
    backOffs,
    http: reader,
    budgets: new Budgets(clock),
    tokens: pastedTokens,
  });
  const presence = new Presence({ clock, backOffs, connections });
  const { evaluate } = createEvaluator({ clock });
  const { destinations } = clientsOf({
    registry,
    prepare: createPrepare(service),
    evaluateAcceptance: createEvaluateAcceptance({ clock, explainer, evaluate }),
    testDestination: createTestDestination({
      ...{ clock, explainer, evaluate, presence, link: () => undefined },
      question({ queue, detail, access }) {
        if (access.kind === "connection") throw new Error("Cannot ask over a named connection here");
        return questionOf(queue, detail, connectionSource(new Uint8Array(32), queue.origin, access));
      },
    }),
  });
  return { ...service, ...destinations, reader };
}

async function violations(call: Promise<unknown>): Promise<string[]> {
  const error: ConnectError = await call.then(
    () => expect.unreachable("the call succeeded"),
    (failed) => failed,
  );
  expect(error.code).toBe(Code.InvalidArgument);
  const all = error.findDetails(BadRequestSchema)[0]?.fieldViolations ?? [];
  return all.map(({ field, reason }) => `${field} ${reason}`);
}

describe("testDestination()", () => {
  test("answers for a saved destination, explained, without its token", async () => {
    const { configure, testDestination, reader } = await start();
    await configure(newDestination());
    const answer = await testDestination({ target: { case: "destinationId", value: "sales" }, tags: { any: "tag" } });
    expect(answer.availability).toMatchObject({
      destinationId: "sales",
      reason: Reason.CRITERIA_MET,
      verdict: Verdict.ACCEPTED,
      source: Source.LIVE,
      measured: 2,
      version: 0n,
      destinationRevision: 1n,
    });
    expect(answer.explanation).toMatchObject({
      request: { method: "GET", url: expect.stringMatching(/\/call-queues\/400123\/presence$/), body: "" },
      curl: expect.stringMatching(/^curl -i .*"Authorization: Bearer \$TOKEN"/),
      status: 200,
      timings: { budget: { seconds: 0n, nanos: 0 }, connect: { nanos: 1_000_000 }, body: { nanos: 3_000_000 } },
      patternUsed: '"acceptCurrentQueueCalls": true',
      records: [
        { index: 0, matched: true },
        { index: 1, matched: true },
        { index: 2, matched: false },
      ],
      responseBody: agents(2, 1).raw,
      truncated: false,
      sentence: "2 of 3 agents match; more than 0 are needed: accepted",
      hint: "",
      rawMeasured: 0,
    });
    expect(answer.explanation?.timings?.wait).toBeUndefined();
    expect(answer.explanation?.timings?.token).toBeUndefined();
    const { canonicalText, matches } = answer.explanation!;
    const bytes = Buffer.from(canonicalText);
    expect(matches.map(({ start, end }) => bytes.toString("utf8", start, end))).toEqual(
      Array(2).fill('"acceptCurrentQueueCalls": true'),
    );
    const text = JSON.stringify(answer, (_, value) => (typeof value === "bigint" ? `${value}` : value));
    expect(text).not.toContain(TOKEN);
    expect(reader.count).toBe(1);
  });

  test("answers for an unsaved one, without a name too, and saves nothing", async () => {
    const { testDestination, registry } = await start();
    for (const id of ["", "sales"]) {
      const value = newDestination({ id, disabled: true });
      const { availability } = await testDestination({ target: { case: "destination", value } });
      const expected = { destinationId: id, reason: Reason.CRITERIA_MET, version: 0n, destinationRevision: 0n };
      expect(availability).toMatchObject(expected);
    }
    expect([...registry.all()]).toEqual([]);
  });

  test("fails when nothing is to be tested, or not so", async () => {
    const { testDestination, reader } = await start();
    const saved = (value: string) => testDestination({ target: { case: "destinationId", value } });
    await expect(saved("none")).rejects.toMatchObject({
      code: Code.NotFound,
      rawMessage: 'Cannot test destination "none": it does not exist',
    });
    expect(await violations(saved("a b"))).toEqual(["destination_id INVALID_FORMAT"]);
    expect(await violations(testDestination({}))).toEqual(["target REQUIRED"]);
    const value = destinationOf({}, { callQueueId: "x" });
    const tags = { n: "v".repeat(1025) };
    expect(await violations(testDestination({ target: { case: "destination", value }, tags }))).toEqual([
      "tags TOO_LONG",
    ]);
    expect(await violations(testDestination({ target: { case: "destination", value } }))).toEqual([
      "destination.ring_central.call_queue_id INVALID_FORMAT",
      "destination.ring_central.credential REQUIRED",
    ]);
    expect(reader.count).toBe(0);
  });
});

describe("evaluateAcceptance()", () => {
  const responseBody = Buffer.from(agents(2, 1).raw);

  test("applies the default criteria when none are given, and calls nobody", async () => {
    const { evaluateAcceptance, reader } = await start();
    const { availability, explanation } = await evaluateAcceptance({ responseBody });
    expect(availability).toMatchObject({ reason: Reason.CRITERIA_MET, accepted: true, measured: 2, version: 0n });
    expect(availability).toMatchObject({ destinationId: "", source: Source.NONE });
    expect(availability?.availableAgents).toBeUndefined();
    expect(explanation).toMatchObject({ curl: "", status: 0, responseBody: agents(2, 1).raw });
    expect(explanation?.patternUsed).toBe('"acceptCurrentQueueCalls": true');
    expect(explanation?.request).toBeUndefined();
    expect(reader.count).toBe(0);
  });

  test("applies the given criteria, path and extensions", async () => {
    const { evaluateAcceptance } = await start();
    const { availability, explanation } = await evaluateAcceptance({
      acceptance: { criterion: { case: "agents", value: { count: AgentCount.TOTAL } }, value: 2 },
      availability: { propertyPath: "$.records[*]" },
      onlyExtensions: ["101"],
      responseBody,
    });
    expect(availability).toMatchObject({ reason: Reason.CRITERIA_NOT_MET, measured: 1, availableAgents: 1 });
    expect(explanation?.patternUsed).toBe("");
    expect(explanation?.rawMeasured).toBeUndefined();
    expect(explanation?.records.map(({ filteredOut }) => filteredOut)).toEqual([true, false, true]);
  });

  test("answers UPSTREAM_BAD_RESPONSE when the body is no presence", async () => {
    const { evaluateAcceptance } = await start();
    for (const body of [Buffer.from("<html>"), Buffer.from([0xff]), Buffer.alloc(0)]) {
      const { availability } = await evaluateAcceptance({ responseBody: body });
      expect(availability).toMatchObject({ reason: Reason.UPSTREAM_BAD_RESPONSE, accepted: false });
    }
  });

  test("names everything that is wrong by its place in the request", async () => {
    const { evaluateAcceptance } = await start();
    const pattern = create(RegexCriterionSchema, { type: RegexType.COUNT, scope: 9 as Scope, pattern: "(" });
    const call = evaluateAcceptance({
      acceptance: { criterion: { case: "regex", value: pattern }, condition: 9 as Condition, value: Number.NaN },
      availability: { propertyPath: "a b" },
      onlyExtensions: ["101", "x"],
      responseBody,
    });
    expect((await violations(call)).toSorted()).toEqual([
      "acceptance.condition UNKNOWN_VALUE",
      "acceptance.regex.pattern INVALID_PATTERN",
      "acceptance.regex.scope UNKNOWN_VALUE",
      "acceptance.value NOT_FINITE",
      "availability.property_path INVALID_PATH",
      "only_extensions[1] INVALID_FORMAT",
    ]);
    const raw = { case: "regex", value: { scope: Scope.RAW, pattern: "a" } } as const;
    const onRaw = evaluateAcceptance({ acceptance: { criterion: raw }, onlyExtensions: ["1"], responseBody });
    expect((await violations(onRaw)).every((text) => text.startsWith("acceptance.regex.scope"))).toBe(true);
  });
});
