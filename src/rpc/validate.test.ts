import { create, type DescMessage, type DescMethod, type MessageInitShape } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import {
  AvailabilityService,
  BatchCheckRequestSchema,
  CheckRequestSchema,
  ConfigureRequestSchema,
  WatchRequestSchema,
} from "../../gen/availability/v1/availability_service_pb.ts";
import { ConnectionService } from "../../gen/availability/v1/connection_service_pb.ts";
import {
  DeleteDestinationRequestSchema,
  DestinationService,
  GetDestinationRequestSchema,
  GetPresenceRequestSchema,
  ListDestinationsRequestSchema,
  ListUpstreamCallsRequestSchema,
  TestDestinationRequestSchema,
} from "../../gen/availability/v1/destination_service_pb.ts";
import { ServiceError } from "../lib/errors.ts";
import { callToken, pageToken } from "./paging.ts";
import { heartbeatMs, validate, validateCheck } from "./validate.ts";

const ID = "^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$";

function violationsOf(call: () => void): string[] {
  try {
    call();
    return [];
  } catch (error) {
    expect(error).toBeInstanceOf(ServiceError);
    const { code, violations } = error as ServiceError;
    expect(code).toBe("INVALID_ARGUMENT");
    return violations.map((v) => `${v.field} ${v.reason}: ${v.description}`);
  }
}

/** What validate() says of a request of a method. */
function said<Desc extends DescMessage>(method: DescMethod, schema: Desc, request: MessageInitShape<Desc>): string[] {
  return violationsOf(() => validate(create(schema, request), method));
}

const { check, batchCheck, watch, configure } = AvailabilityService.method;
const { getDestination, deleteDestination, listDestinations, getPresence, listUpstreamCalls, testDestination } =
  DestinationService.method;
const { configureConnection, getConnection, deleteConnection, listConnections, listCallQueues } =
  ConnectionService.method;
const ofCheck = (request: object) => said(check, CheckRequestSchema, { destinationId: "q", ...request });
const ofWatch = (request: MessageInitShape<typeof WatchRequestSchema>) => said(watch, WatchRequestSchema, request);
const span = (seconds: number, nanos = 0) => ({ seconds: BigInt(seconds), nanos });
const tags = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`t${i}`, "v"]));

describe("validate() of a Check", () => {
  test.each([
    ["everything is unset but the id", {}],
    ["ages are 0", { maxAge: span(0), maxWait: span(0) }],
    ["ages are the longest", { maxAge: span(315_576_000_000), maxWait: span(0, 1) }],
    ["there are 64 tags", { tags: tags(64) }],
    ["it asks for an explanation", { explain: true }],
    ["names and values of tags are as long as can be", { tags: { ["é".repeat(32)]: "é".repeat(512), "": "" } }],
  ])("takes it when %s", (_, request) => expect(ofCheck(request)).toEqual([]));

  test.each([
    ["the id is empty", { destinationId: "" }, `destination_id REQUIRED: is empty, expected ${ID}`],
    ["the id is none", { destinationId: "a b" }, `destination_id INVALID_FORMAT: is "a b", expected ${ID}`],
    ["max_age is negative", { maxAge: span(-1) }, "max_age OUT_OF_RANGE: is -1 s, expected 0 s or more"],
    [
      "max_age is hardly negative",
      { maxAge: span(0, -1) },
      "max_age OUT_OF_RANGE: is -0.000001 ms, expected 0 s or more",
    ],
    ["max_wait is negative", { maxWait: span(-90) }, "max_wait OUT_OF_RANGE: is -90 s, expected 0 s or more"],
    ["max_wait is none", { maxWait: span(1, -1) }, "max_wait OUT_OF_RANGE: is no valid duration, expected 0 s or more"],
    [
      "max_age is too long",
      { maxAge: span(315_576_000_001) },
      "max_age OUT_OF_RANGE: is no valid duration, expected 0 s or more",
    ],
    ["there are 65 tags", { tags: tags(65) }, "tags TOO_MANY: has 65 tags, expected at most 64"],
    [
      "a tag's name is too long",
      { tags: { ["n".repeat(65)]: "" } },
      "tags TOO_LONG: has a name of 65 bytes, expected at most 64",
    ],
    [
      "a tag's value is too long",
      { tags: { n: "é".repeat(513) } },
      "tags TOO_LONG: has a value of 1026 bytes, expected at most 1024",
    ],
  ])("refuses it when %s", (_, request, violation) => expect(ofCheck(request)).toEqual([violation]));

  test("says everything at once, and repeats nothing of a tag, when everything is wrong", () => {
    const request = {
      destinationId: "",
      maxAge: span(-1),
      maxWait: span(-1),
      explain: true,
      tags: { n: `secret${"v".repeat(1024)}` },
    };
    const all = ofCheck(request);
    expect(all.map((text) => text.split(" ")[0])).toEqual(["destination_id", "max_age", "max_wait", "tags"]);
    expect(all.join()).not.toContain("secret");
    expect(() => validate(create(CheckRequestSchema, request), check)).toThrow(
      `Cannot call Check: destination_id is empty, expected ${ID} (and 3 more)`,
    );
  });
});

describe("validate() of a BatchCheck", () => {
  const batch = (count: number) =>
    said(batchCheck, BatchCheckRequestSchema, { checks: Array.from({ length: count }, () => ({})) });

  test("takes 500 checks and judges none of them, and refuses 501", () => {
    expect(batch(0)).toEqual([]);
    expect(batch(500)).toEqual([]);
    expect(batch(501)).toEqual(["checks TOO_MANY: has 501 checks, expected at most 500"]);
  });

  test("validateCheck() judges one of them under its path", () => {
    const request = create(CheckRequestSchema, { destinationId: "", maxAge: span(-1), explain: true, tags: tags(65) });
    const fields = violationsOf(() => validateCheck(request, "checks[3].")).map((text) => text.split(" ")[0]);
    expect(fields).toEqual(["checks[3].destination_id", "checks[3].max_age", "checks[3].tags", "checks[3].explain"]);
    expect(violationsOf(() => validateCheck(create(CheckRequestSchema, { destinationId: "q" }), "checks[3]."))).toEqual(
      [],
    );
  });
});

describe("validate() of a Watch", () => {
  const ids = (count: number) => Array.from({ length: count }, (_, i) => `q${i}`);

  test.each<[string, MessageInitShape<typeof WatchRequestSchema>]>([
    ["it asks for everything", {}],
    ["it names 500 ids", { destinationIds: ids(500) }],
    ["it names an id twice", { destinationIds: ["a", "a"] }],
    ["the interval is the shortest", { heartbeatInterval: span(1) }],
    ["the interval is the longest", { heartbeatInterval: span(60) }],
    ["it selects labels", { labelSelector: { team: "a" } }],
    // What cannot be honoured is answered by a resync, never refused.
    ["its token is none of ours", { resumeToken: "\u0000no token\n".repeat(100) }],
  ])("takes it when %s", (_, request) => expect(ofWatch(request)).toEqual([]));

  test.each<[string, MessageInitShape<typeof WatchRequestSchema>, string]>([
    ["it names 501 ids", { destinationIds: ids(501) }, "destination_ids TOO_MANY: has 501 ids, expected at most 500"],
    [
      "it names what is no id",
      { destinationIds: ["a", "/"] },
      `destination_ids[1] INVALID_FORMAT: is "/", expected ${ID}`,
    ],
    ["it names an empty id", { destinationIds: [""] }, `destination_ids[0] REQUIRED: is empty, expected ${ID}`],
    [
      "the interval is too short",
      { heartbeatInterval: span(0, 999_999_999) },
      "heartbeat_interval OUT_OF_RANGE: is 999.999999 ms, expected 1 s to 60 s",
    ],
    [
      "the interval is too long",
      { heartbeatInterval: span(60, 1) },
      "heartbeat_interval OUT_OF_RANGE: is 60.000000001 s, expected 1 s to 60 s",
    ],
    [
      "the interval is 0",
      { heartbeatInterval: span(0) },
      "heartbeat_interval OUT_OF_RANGE: is 0 s, expected 1 s to 60 s",
    ],
    [
      "it names ids and selects labels",
      { destinationIds: ["a"], labelSelector: { team: "a" } },
      "label_selector CONFLICT: is given with destination_ids, expected one of the two",
    ],
  ])("refuses it when %s", (_, request, violation) => expect(ofWatch(request)).toEqual([violation]));

  test("heartbeatMs() is 15 s unless set", () => {
    expect(heartbeatMs(create(WatchRequestSchema))).toBe(15_000);
    expect(heartbeatMs(create(WatchRequestSchema, { heartbeatInterval: span(1, 500_000_000) }))).toBe(1500);
  });
});

describe("validate() of the others", () => {
  test("refuses Get and Delete when the id is none", () => {
    for (const [method, schema] of [
      [getDestination, GetDestinationRequestSchema],
      [deleteDestination, DeleteDestinationRequestSchema],
    ] as const) {
      expect(said(method, schema, { destinationId: "q" })).toEqual([]);
      expect(said(method, schema, {})).toEqual([`destination_id REQUIRED: is empty, expected ${ID}`]);
      expect(said(method, schema, { destinationId: "é" })).toEqual([
        `destination_id INVALID_FORMAT: is "é", expected ${ID}`,
      ]);
    }
  });

  test("refuses a connection's id, page size and token when they are none", () => {
    for (const method of [getConnection, deleteConnection]) {
      expect(said(method, method.input, { connectionId: "main" })).toEqual([]);
      expect(said(method, method.input, {})).toEqual([`connection_id REQUIRED: is empty, expected ${ID}`]);
    }
    const page = [
      "page_size OUT_OF_RANGE: is -1, expected 0 or more",
      "page_token INVALID_FORMAT: is no token of this service, expected a next_page_token or nothing",
    ];
    const list = (request: object) => said(listConnections, listConnections.input, request);
    expect(list({ pageSize: 1001, pageToken: pageToken("main") })).toEqual([]);
    expect(list({ pageSize: -1, pageToken: "x" })).toEqual(page);
    const queues = (request: object) => said(listCallQueues, listCallQueues.input, request);
    expect(queues({ connectionId: "main", pageToken: pageToken("400123") })).toEqual([]);
    expect(queues({ connectionId: "é", pageSize: -1, pageToken: "x" })).toEqual([
      `connection_id INVALID_FORMAT: is "é", expected ${ID}`,
      ...page,
    ]);
  });

  test("refuses List when size or token are none", () => {
    const list = (request: object) => said(listDestinations, ListDestinationsRequestSchema, request);
    for (const pageSize of [0, 1, 1000, 1001, 2 ** 31 - 1]) expect(list({ pageSize })).toEqual([]);
    expect(list({ pageToken: pageToken("q") })).toEqual([]);
    expect(list({ pageSize: -1, pageToken: "x" })).toEqual([
      "page_size OUT_OF_RANGE: is -1, expected 0 or more",
      "page_token INVALID_FORMAT: is no token of this service, expected a next_page_token or nothing",
    ]);
  });

  test("refuses GetPresence and ListUpstreamCalls when the id is none, and a call's token of another list", () => {
    expect(said(getPresence, GetPresenceRequestSchema, {})).toEqual([
      `destination_id REQUIRED: is empty, expected ${ID}`,
    ]);
    const calls = (request: object) => said(listUpstreamCalls, ListUpstreamCallsRequestSchema, request);
    expect(calls({ destinationId: "q", pageSize: 1001, pageToken: callToken(7) })).toEqual([]);
    expect(calls({ destinationId: "/", pageSize: -1, pageToken: pageToken("q") })).toEqual([
      `destination_id INVALID_FORMAT: is "/", expected ${ID}`,
      "page_size OUT_OF_RANGE: is -1, expected 0 or more",
      "page_token INVALID_FORMAT: is no token of this service, expected a next_page_token or nothing",
    ]);
  });

  test("refuses TestDestination when nothing is to be tested, and takes an unsaved one as it is", () => {
    const of = (request: MessageInitShape<typeof TestDestinationRequestSchema>) =>
      said(testDestination, TestDestinationRequestSchema, request);
    expect(of({ target: { case: "destination", value: {} }, tags: tags(64) })).toEqual([]);
    expect(of({ target: { case: "destinationId", value: "q" } })).toEqual([]);
    expect(of({ tags: tags(65) })).toEqual([
      "target REQUIRED: is absent, expected one of destination_id, destination",
      "tags TOO_MANY: has 65 tags, expected at most 64",
    ]);
    expect(of({ target: { case: "destinationId", value: "" } })).toEqual([
      `destination_id REQUIRED: is empty, expected ${ID}`,
    ]);
  });

  test("leaves Configure to where it is compiled", () => {
    expect(said(configure, ConfigureRequestSchema, {})).toEqual([]);
    expect(said(configureConnection, configureConnection.input, {})).toEqual([]);
  });
});
