import { create } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { AgentCount, Condition, type JsonPathType, RegexType, Scope } from "../../gen/availability/v1/acceptance_pb.ts";
import { ConnectionSchema } from "../../gen/availability/v1/connection_pb.ts";
import { type Destination, OnUndecided, PresenceDetail } from "../../gen/availability/v1/destination_pb.ts";
import { compileAcceptance, compileDestination } from "./compile.ts";
import { allowList, destinationOf, PLATFORM, SIMULATOR } from "./test-destinations.ts";

/** One connection that works, at the simulator, and one that does not. */
const connections = new Map(
  [
    { id: "main", origin: SIMULATOR, invalid: "" },
    { id: "broken", origin: PLATFORM, invalid: "The stored credential cannot be opened" },
  ].map((entry) => [
    entry.id,
    { ...entry, revision: 1n, access: undefined, message: create(ConnectionSchema, { id: entry.id }) },
  ]),
);

function compile(destination: Destination) {
  const result = compileDestination(destination, { allowList, connections });
  return { compiled: undefined, warnings: undefined, violations: [], ...result };
}

/** Each violation on one line. */
function said(destination: Destination): string[] {
  return compile(destination).violations.map((v) => `${v.field} ${v.reason}: ${v.field} ${v.description}`);
}

const withRest = (rest: Parameters<typeof destinationOf>[0]) => destinationOf(rest);
const withTemplate = (template: Parameters<typeof destinationOf>[1]) => destinationOf({}, template);
const regex = (value: object, rest: object = {}) =>
  withRest({ acceptance: { criterion: { case: "regex", value }, ...rest } });
const schedule = (rest: object) =>
  withRest({ schedule: { timeZone: "UTC", weeklyRanges: [{ day: 1, opens: "09:00", closes: "17:00" }], ...rest } });
const path = (of: string) => withRest({ acceptance: { criterion: { case: "jsonPath", value: { path: of } } } });
const agents = (count: AgentCount) => withRest({ acceptance: { criterion: { case: "agents", value: { count } } } });
const span = (seconds: number, nanos = 0) => ({ seconds: BigInt(seconds), nanos });
const labels = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`key${i}`, "v"]));
const extensions = (count: number) => Array.from({ length: count }, (_, i) => String(100 + i));

const D = "destination";
const RC = "destination.ring_central";
const AC = "destination.acceptance";
const ID = "^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$";

/** What was given; the path; the reason; what the description says of it, and of what is expected. */
type Refusal = readonly [what: string, given: Destination, field: string, reason: string, description: string];

const REFUSED: readonly Refusal[] = [
  ["an empty id", withRest({ id: "" }), `${D}.id`, "REQUIRED", `is empty, expected ${ID}`],
  ["an id with a slash", withRest({ id: "a/b" }), `${D}.id`, "INVALID_FORMAT", `is "a/b", expected ${ID}`],
  ["an id that begins with a dash", withRest({ id: "-a" }), `${D}.id`, "INVALID_FORMAT", `is "-a", expected ${ID}`],
  ["an id that ends a line", withRest({ id: "a\n" }), `${D}.id`, "INVALID_FORMAT", `is "a\\n", expected ${ID}`],
  [
    "an id of 65",
    withRest({ id: "x".repeat(65) }),
    `${D}.id`,
    "INVALID_FORMAT",
    `is "${"x".repeat(65)}", expected ${ID}`,
  ],
  [
    "a name of 202 bytes",
    withRest({ displayName: "é".repeat(101) }),
    `${D}.display_name`,
    "TOO_LONG",
    "is 202 bytes, expected at most 200",
  ],
  [
    "a name of two lines",
    withRest({ displayName: "a\nb" }),
    `${D}.display_name`,
    "INVALID_FORMAT",
    "holds control characters, expected printable text",
  ],
  ["33 labels", withRest({ labels: labels(33) }), `${D}.labels`, "TOO_MANY", "has 33 labels, expected at most 32"],
  [
    "a label key of 64",
    withRest({ labels: { ["k".repeat(64)]: "" } }),
    `${D}.labels["${"k".repeat(64)}"]`,
    "INVALID_FORMAT",
    `has the key "${"k".repeat(64)}", expected ^[A-Za-z0-9][A-Za-z0-9._/-]{0,62}$`,
  ],
  [
    "an empty label key",
    withRest({ labels: { "": "v" } }),
    `${D}.labels[""]`,
    "INVALID_FORMAT",
    'has the key "", expected ^[A-Za-z0-9][A-Za-z0-9._/-]{0,62}$',
  ],
  [
    "a label of 129 bytes",
    withRest({ labels: { a: "v".repeat(129) } }),
    `${D}.labels["a"]`,
    "TOO_LONG",
    "is 129 bytes, expected at most 128",
  ],
  [
    "a timeout below 50 ms",
    withRest({ timeout: span(0, 49_999_999) }),
    `${D}.timeout`,
    "OUT_OF_RANGE",
    "is 49.999999 ms, expected 50 ms to 60 s",
  ],
  [
    "a timeout above 60 s",
    withRest({ timeout: span(60, 1) }),
    `${D}.timeout`,
    "OUT_OF_RANGE",
    "is 60.000000001 s, expected 50 ms to 60 s",
  ],
  ["a timeout of 0", withRest({ timeout: span(0) }), `${D}.timeout`, "OUT_OF_RANGE", "is 0 s, expected 50 ms to 60 s"],
  [
    "a timeout of mixed signs",
    withRest({ timeout: span(1, -1) }),
    `${D}.timeout`,
    "OUT_OF_RANGE",
    "is no valid duration, expected 50 ms to 60 s",
  ],
  [
    "a negative max_age",
    withRest({ freshness: { maxAge: span(0, -1) } }),
    `${D}.freshness.max_age`,
    "OUT_OF_RANGE",
    "is -0.000001 ms, expected 0 s to 3600 s",
  ],
  [
    "a max_age above 1 h",
    withRest({ freshness: { maxAge: span(3601) } }),
    `${D}.freshness.max_age`,
    "OUT_OF_RANGE",
    "is 3601 s, expected 0 s to 3600 s",
  ],
  [
    "a last_known_limit below 1 s",
    withRest({ failure: { lastKnownLimit: span(0, 999_000_000) } }),
    `${D}.failure.last_known_limit`,
    "OUT_OF_RANGE",
    "is 999 ms, expected 1 s to 3600 s",
  ],
  [
    "a last_known_limit above 1 h",
    withRest({ failure: { lastKnownLimit: span(3600, 1) } }),
    `${D}.failure.last_known_limit`,
    "OUT_OF_RANGE",
    "is 3600.000000001 s, expected 1 s to 3600 s",
  ],
  [
    "an unknown on_undecided",
    withRest({ failure: { onUndecided: 9 as OnUndecided } }),
    `${D}.failure.on_undecided`,
    "UNKNOWN_VALUE",
    "is 9, expected one of LAST_KNOWN, REJECT, ACCEPT",
  ],
  [
    "no queue id",
    withTemplate({ callQueueId: "" }),
    `${RC}.call_queue_id`,
    "REQUIRED",
    "is empty, expected the queue's internal id",
  ],
  [
    "a queue id of 21 digits",
    withTemplate({ callQueueId: "1".repeat(21) }),
    `${RC}.call_queue_id`,
    "INVALID_FORMAT",
    `is "${"1".repeat(21)}", expected the queue's internal id, 1 to 20 digits`,
  ],
  [
    "a queue id that is a path",
    withTemplate({ callQueueId: "../1" }),
    `${RC}.call_queue_id`,
    "INVALID_FORMAT",
    `is "../1", expected the queue's internal id, 1 to 20 digits`,
  ],
  [
    "an account that is no number",
    withTemplate({ accountId: "~~" }),
    `${RC}.account_id`,
    "INVALID_FORMAT",
    'is "~~", expected "~" or 1 to 20 digits',
  ],
  [
    "a server with a path",
    withTemplate({ serverUrl: `${PLATFORM}/x` }),
    `${RC}.server_url`,
    "INVALID_FORMAT",
    `is no bare origin, expected one like "${PLATFORM}"`,
  ],
  [
    "501 extensions",
    withTemplate({ onlyExtensions: extensions(501) }),
    `${RC}.only_extensions`,
    "TOO_MANY",
    "has 501 extension numbers, expected at most 500",
  ],
  [
    "an extension that is a name",
    withTemplate({ onlyExtensions: ["101", "x"] }),
    `${RC}.only_extensions[1]`,
    "INVALID_FORMAT",
    'is "x", expected 1 to 20 digits',
  ],
  [
    "an unknown presence detail",
    withTemplate({ presenceDetail: 9 as PresenceDetail }),
    `${RC}.presence_detail`,
    "UNKNOWN_VALUE",
    "is 9, expected one of QUEUE, QUEUE_AND_EXTENSION",
  ],
  [
    "no criterion",
    withRest({ acceptance: {} }),
    AC,
    "REQUIRED",
    "has no criterion, expected one of regex, json_path, agents",
  ],
  [
    "no JSONPath",
    withRest({ acceptance: { criterion: { case: "jsonPath", value: { path: "$[" } } } }),
    `${AC}.json_path.path`,
    "INVALID_PATH",
    "is not a JSONPath of RFC 9535: at the end, unclosed bracketed selection",
  ],
  [
    "an unknown JSONPath type",
    withRest({ acceptance: { criterion: { case: "jsonPath", value: { type: 9 as JsonPathType, path: "$" } } } }),
    `${AC}.json_path.type`,
    "UNKNOWN_VALUE",
    "is 9, expected one of COUNT, NUMBER, BOOLEAN, EXISTS",
  ],
  [
    "a property path that is none",
    withRest({ availability: { propertyPath: "a b" } }),
    `${D}.availability.property_path`,
    "INVALID_PATH",
    "is not a JSONPath of RFC 9535: at character 1, expected '$', found 'a'",
  ],
  [
    "a schedule without a zone",
    schedule({ timeZone: "" }),
    `${D}.schedule.time_zone`,
    "REQUIRED",
    'is empty, expected an IANA name such as "America/New_York", or "UTC"',
  ],
  [
    "a schedule without hours",
    schedule({ weeklyRanges: [] }),
    `${D}.schedule.weekly_ranges`,
    "REQUIRED",
    'is empty, expected at least one range; "00:00" to "24:00" is a whole day',
  ],
  ["no pattern", regex({}), `${AC}.regex.pattern`, "REQUIRED", "is empty, expected 1 to 512 bytes"],
  [
    "a pattern of 513 bytes",
    regex({ pattern: "a".repeat(513) }),
    `${AC}.regex.pattern`,
    "TOO_LONG",
    "is 513 bytes long, expected 1 to 512 bytes",
  ],
  [
    "a pattern that matches nothing at all",
    regex({ pattern: "a*" }),
    `${AC}.regex.pattern`,
    "MATCHES_EMPTY_TEXT",
    "matches the empty text, which is everywhere",
  ],
  [
    "an unknown regex type",
    regex({ pattern: "a", type: 9 }),
    `${AC}.regex.type`,
    "UNKNOWN_VALUE",
    "is 9, expected one of COUNT, MATCH, CAPTURE",
  ],
  [
    "an unknown scope",
    regex({ pattern: "a", scope: 9 }),
    `${AC}.regex.scope`,
    "UNKNOWN_VALUE",
    "is 9, expected one of RECORDS, BODY, RAW",
  ],
  [
    "an unknown condition",
    regex({ pattern: "a" }, { condition: 9 }),
    `${AC}.condition`,
    "UNKNOWN_VALUE",
    "is 9, expected one of GREATER_THAN, GREATER_THAN_OR_EQUAL, LESS_THAN, LESS_THAN_OR_EQUAL, EQUAL, NOT_EQUAL",
  ],
  [
    "an unknown count",
    agents(99 as AgentCount),
    `${AC}.agents.count`,
    "UNKNOWN_VALUE",
    "is 99, expected one of AVAILABLE, TOTAL, ACCEPTING, DO_NOT_DISTURB, ON_CALL, OFFLINE, UNKNOWN, OPTED_OUT",
  ],
  [
    "a value that is no number",
    regex({ pattern: "a" }, { value: Number.NaN }),
    `${AC}.value`,
    "NOT_FINITE",
    "is NaN, expected a finite number",
  ],
  [
    "a value without end",
    regex({ pattern: "a" }, { value: -Infinity }),
    `${AC}.value`,
    "NOT_FINITE",
    "is -Infinity, expected a finite number",
  ],
];

const noTemplate = () => {
  const destination = destinationOf();
  destination.template = { case: undefined };
  return destination;
};
const webhook = () => {
  const destination = noTemplate();
  destination.template = { case: "webhook", value: { url: "https://a.example" } as never };
  return destination;
};
const asking = (connectionId: string, rest: object = {}) =>
  withTemplate({ access: { case: "connectionId", value: connectionId }, ...rest });

const CONNECTIONS: readonly Refusal[] = [
  ["an empty connection", asking(""), `${RC}.connection_id`, "REQUIRED", "is empty, expected the id of a connection"],
  [
    "a connection that is none",
    asking("c"),
    `${RC}.connection_id`,
    "UNKNOWN_CONNECTION",
    'is "c", which does not exist, expected the id of a connection',
  ],
  [
    "a connection that does not work",
    asking("broken"),
    `${RC}.connection_id`,
    "INVALID_CONNECTION",
    'is "broken", which cannot be used: The stored credential cannot be opened',
  ],
  [
    "another server than the connection's",
    asking("main", { serverUrl: PLATFORM }),
    `${RC}.server_url`,
    "OTHER_SERVER",
    `is "${PLATFORM}", but the connection "main" is for "${SIMULATOR}", expected that or nothing`,
  ],
];

const detailed = (of: Destination, presenceDetail: PresenceDetail) => {
  Object.assign(of.template.value!, { presenceDetail });
  return of;
};

const DETAILS: readonly Refusal[] = (["ON_CALL", "OFFLINE"] as const).map((count) => [
  `agents ${count} in detail QUEUE`,
  detailed(agents(AgentCount[count]), PresenceDetail.QUEUE),
  `${AC}.agents.count`,
  "NEEDS_QUEUE_AND_EXTENSION",
  `is ${count}, which presence detail QUEUE does not show`,
]);

// What later releases bring.
const UNSUPPORTED: Refusal = [
  "a webhook",
  webhook(),
  `${D}.webhook`,
  "UNSUPPORTED",
  "is set, not available yet, expected ring_central",
];

const ALL_REFUSED = [...REFUSED, ...CONNECTIONS, ...DETAILS, UNSUPPORTED];

test("compileDestination() shares what it made of equal criteria, and of no others", () => {
  const criteriaOf = (destination: Destination) => compile(destination).compiled?.criteria;
  const pattern = () => regex({ pattern: '"acceptQueueCalls": true' });
  const only = () => withTemplate({ onlyExtensions: ["101"] });
  expect(criteriaOf(pattern())).toBe(criteriaOf(pattern()));
  expect(criteriaOf(only())).toBe(criteriaOf(only()));
  expect(criteriaOf(only())?.onlyExtensions).toEqual(new Set(["101"]));
  expect(criteriaOf(pattern())).not.toBe(criteriaOf(regex({ pattern: '"acceptQueueCalls": true' }, { value: 2 })));
  expect(said(regex({ pattern: "a" }, { value: Number.NaN }))).toHaveLength(1);
  expect(said(regex({ pattern: "a" }, { value: Number.POSITIVE_INFINITY }))[0]).toContain("Infinity");
});

describe("compileDestination()", () => {
  test.each(ALL_REFUSED)("refuses with one violation when given %s", (_, given, field, reason, text) => {
    expect(compile(given).violations).toEqual([{ field, reason, description: text }]);
  });

  test("refuses a destination when it has no template", () => {
    expect(said(noTemplate())).toEqual(["destination REQUIRED: destination has no template, expected ring_central"]);
  });

  test("refuses a server when the allow-list lacks it, and says how it gets there", () => {
    const [violation] = compile(withTemplate({ serverUrl: "https://evil.example" })).violations;
    expect(violation).toMatchObject({ field: `${RC}.server_url`, reason: "NOT_ALLOWED" });
    expect(violation?.description).toMatch(/^is "https:\/\/evil\.example", .*UPSTREAM_ALLOW/);
  });

  test.each([
    ["an id of 64", withRest({ id: `9${"_".repeat(31)}${"-".repeat(32)}` })],
    ["an id of 1", withRest({ id: "a" })],
    ["a name of 200 bytes", withRest({ displayName: "é".repeat(100) })],
    ["32 labels", withRest({ labels: labels(32) })],
    ["the longest label", withRest({ labels: { [`k${"./_-".repeat(15)}aa`]: "v".repeat(128) } })],
    ["an empty label", withRest({ labels: { a: "" } })],
    ["the shortest timeout", withRest({ timeout: span(0, 50_000_000) })],
    ["the longest timeout", withRest({ timeout: span(60) })],
    ["a max_age of 0", withRest({ freshness: { maxAge: span(0) } })],
    ["a max_age of 1 h", withRest({ freshness: { maxAge: span(3600) } })],
    ["the shortest last_known_limit", withRest({ failure: { lastKnownLimit: span(1) } })],
    ["the longest last_known_limit", withRest({ failure: { lastKnownLimit: span(3600) } })],
    ["a queue id of 20 digits", withTemplate({ callQueueId: "9".repeat(20), accountId: "8".repeat(20) })],
    ["500 extensions", withTemplate({ onlyExtensions: extensions(500) })],
    ["a pattern of 512 bytes", regex({ pattern: `[${"a".repeat(510)}]` })],
    ["an empty availability", withRest({ availability: {} })],
    ["a schedule of one range", schedule({})],
    ["a server of the operator's", withTemplate({ serverUrl: `${SIMULATOR}/` })],
  ])("takes %s, which is the limit", (_, given) => expect(said(given)).toEqual([]));

  test("says everything at once when everything is wrong", () => {
    const refused = ALL_REFUSED.map(([, , field]) => field);
    const given = destinationOf(
      {
        id: "-",
        displayName: "x".repeat(201),
        labels: { ...labels(33), "": "" },
        timeout: span(61),
        freshness: { maxAge: span(-1) },
        failure: { onUndecided: 7 as OnUndecided, lastKnownLimit: span(0) },
        schedule: {},
        availability: { propertyPath: "$[" },
        acceptance: {
          criterion: { case: "regex", value: { type: 8 as RegexType, scope: 8 as Scope, pattern: "(" } },
          condition: 8 as Condition,
          value: Number.NaN,
        },
      },
      {
        accountId: "x",
        callQueueId: "x",
        serverUrl: "x",
        onlyExtensions: ["x", "1", "y"],
        presenceDetail: 8 as PresenceDetail,
        access: { case: "connectionId", value: "c" },
      },
    );
    const fields = compile(given).violations.map(({ field }) => field);
    expect(fields.toSorted()).toEqual(
      [
        ...["id", "display_name", "labels", "timeout", "freshness.max_age"].map((name) => `${D}.${name}`),
        ...["schedule.time_zone", "schedule.weekly_ranges"].map((name) => `${D}.${name}`),
        ...["failure.on_undecided", "failure.last_known_limit", "availability.property_path"].map(
          (name) => `${D}.${name}`,
        ),
        ...["account_id", "call_queue_id", "server_url", "only_extensions[0]", "only_extensions[2]"].map(
          (name) => `${RC}.${name}`,
        ),
        ...["presence_detail", "connection_id"].map((name) => `${RC}.${name}`),
        ...["regex.type", "regex.scope", "regex.pattern", "condition", "value"].map((name) => `${AC}.${name}`),
      ].toSorted(),
    );
    for (const field of fields)
      expect(refused).toContain(field.replace("only_extensions[2]", "only_extensions[1]").replace("[0]", "[1]"));
  });

  test("keeps to one grammar in every violation: UPPER_SNAKE reasons, what is given before what is expected", () => {
    for (const [, , field, reason, description] of ALL_REFUSED) {
      expect(field).toMatch(/^destination(\.[a-z_]+(\[("[^"]*"|\d+)\])?)*$/);
      expect(reason).toMatch(/^[A-Z]+(_[A-Z]+)*$/);
      expect(description).toMatch(/^(is|has|holds|matches) .*[^.]$/s);
    }
  });

  test("fills in every default when only the queue is given", () => {
    const { compiled, violations } = compile(destinationOf());
    expect(violations).toEqual([]);
    expect(compiled).toMatchObject({
      queue: { origin: PLATFORM, accountId: "~", queueId: "400123", onlyExtensions: [] },
      timeoutMs: 10_000,
      maxAgeMs: 10_000,
      failure: { onUndecided: "LAST_KNOWN", lastKnownLimitMs: 30_000 },
      spec: {
        criterion: { kind: "regex", type: "COUNT", scope: "RECORDS", pattern: '"acceptCurrentQueueCalls": true' },
        condition: "GREATER_THAN",
        value: 0,
      },
    });
    expect(compiled?.criteria.detail).toBe("QUEUE");
  });

  test("takes unspecified enums for their defaults, which for CAPTURE is the scope BODY", () => {
    const count = { kind: "regex", type: "COUNT", scope: "RECORDS", pattern: "(a)" };
    expect(compile(regex({ pattern: "(a)" })).compiled?.spec.criterion).toEqual(count);
    const capture = compile(regex({ pattern: "(a)", type: RegexType.CAPTURE })).compiled;
    expect(capture?.spec.criterion).toEqual({ ...count, type: "CAPTURE", scope: "BODY" });
    expect(compile(agents(AgentCount.UNSPECIFIED)).compiled?.spec.criterion).toEqual({
      kind: "agents",
      count: "AVAILABLE",
    });
    expect(compile(withRest({ failure: {} })).compiled?.failure).toEqual({
      onUndecided: "LAST_KNOWN",
      lastKnownLimitMs: 30_000,
    });
    expect(compile(withRest({ freshness: {} })).compiled?.maxAgeMs).toBe(10_000);
  });

  test("takes every value that is available now under the name it has", () => {
    for (const name of namesOf(AgentCount).filter((name) => name !== "UNSPECIFIED")) {
      expect(compile(agents(AgentCount[name])).compiled?.spec.criterion, name).toMatchObject({ count: name });
    }
    for (const name of namesOf(Condition).filter((name) => name !== "UNSPECIFIED")) {
      const given = regex({ pattern: "a" }, { condition: Condition[name], value: -2.5 });
      expect(compile(given).compiled?.spec, name).toMatchObject({ condition: name, value: -2.5 });
    }
    for (const name of namesOf(RegexType).filter((name) => name !== "UNSPECIFIED")) {
      const given = regex({ pattern: "(a)", type: RegexType[name], scope: Scope.BODY });
      expect(compile(given).compiled?.spec.criterion, name).toMatchObject({ type: name });
    }
    for (const name of namesOf(Scope).filter((name) => name !== "UNSPECIFIED")) {
      const given = regex({ pattern: "a", scope: Scope[name] });
      expect(compile(given).compiled?.spec.criterion, name).toMatchObject({ scope: name });
    }
    for (const name of namesOf(OnUndecided).filter((name) => name !== "UNSPECIFIED")) {
      const given = withRest({ failure: { onUndecided: OnUndecided[name] } });
      expect(compile(given).compiled?.failure.onUndecided, name).toBe(name);
    }
  });

  test("takes the server of the connection, unset or the same", () => {
    for (const given of [
      asking("main"),
      asking("main", { serverUrl: SIMULATOR }),
      asking("main", { serverUrl: `${SIMULATOR}/` }),
    ]) {
      expect(said(given)).toEqual([]);
      expect(compile(given).compiled?.queue.origin).toBe(SIMULATOR);
    }
  });

  test.each<[string, Destination, "QUEUE" | "QUEUE_AND_EXTENSION"]>([
    ["the default criteria", destinationOf(), "QUEUE"],
    ["a pattern of the queue's answer", regex({ pattern: '"acceptQueueCalls": true' }), "QUEUE"],
    ["a pattern with presenceStatus", regex({ pattern: '"presenceStatus": "Available"' }), "QUEUE_AND_EXTENSION"],
    ["a path with telephonyStatus", path('$.records[?@.telephonyStatus == "NoCall"]'), "QUEUE_AND_EXTENSION"],
    ["a path of the queue's answer", path("$.records[?@.acceptQueueCalls]"), "QUEUE"],
    [
      "a property path with dndStatus",
      withRest({ availability: { propertyPath: "$..dndStatus" } }),
      "QUEUE_AND_EXTENSION",
    ],
    ["agents AVAILABLE", agents(AgentCount.AVAILABLE), "QUEUE"],
    ["agents ON_CALL", agents(AgentCount.ON_CALL), "QUEUE_AND_EXTENSION"],
    ["agents OFFLINE", agents(AgentCount.OFFLINE), "QUEUE_AND_EXTENSION"],
    [
      "less than the criteria name, when told",
      detailed(regex({ pattern: "userStatus" }), PresenceDetail.QUEUE),
      "QUEUE",
    ],
    [
      "more than they name, when told",
      detailed(destinationOf(), PresenceDetail.QUEUE_AND_EXTENSION),
      "QUEUE_AND_EXTENSION",
    ],
    [
      "RAW in all detail, when told",
      detailed(regex({ pattern: "acceptQueueCalls", scope: Scope.RAW }), PresenceDetail.QUEUE_AND_EXTENSION),
      "QUEUE_AND_EXTENSION",
    ],
  ])("reads as much as is needed for %s", (_, given, detail) => {
    expect(said(given)).toEqual([]);
    expect(compile(given).compiled).toMatchObject({ detail, criteria: { detail } });
  });

  test("refuses RAW with a joined field in any detail", () => {
    for (const detail of [PresenceDetail.UNSPECIFIED, PresenceDetail.QUEUE, PresenceDetail.QUEUE_AND_EXTENSION]) {
      const given = detailed(regex({ pattern: "presenceStatus", scope: Scope.RAW }), detail);
      expect(said(given).map((text) => text.split(":")[0])).toEqual([`${AC}.regex.scope RAW_WITH_JOINED_FIELD`]);
    }
  });

  test("passes on the warnings of the criteria, with their path", () => {
    const warningsOf = (destination: Destination) =>
      compile(destination).warnings?.map((w) => `${w.field} ${w.reason}`);
    expect(warningsOf(destinationOf())).toEqual([`${AC}.regex.pattern COUNTS_DO_NOT_DISTURB`]);
    expect(warningsOf(agents(AgentCount.AVAILABLE))).toEqual([`${AC}.agents.count CALLS_IN_PROGRESS_NOT_SEEN`]);
    expect(warningsOf(agents(AgentCount.TOTAL))).toEqual([]);
  });

  test("lets only_extensions bear on the criteria", () => {
    const given = destinationOf(
      { acceptance: { criterion: { case: "regex", value: { pattern: "a", scope: Scope.RAW } } } },
      { onlyExtensions: ["102", "101", "102"] },
    );
    expect(said(given)[0]).toMatch(/^destination\.acceptance\.regex\.scope RAW_WITH_ONLY_EXTENSIONS/);
    given.acceptance = undefined;
    expect([...(compile(given).compiled?.criteria.onlyExtensions ?? [])]).toEqual(["101", "102"]);
  });
});

describe("compileAcceptance()", () => {
  test.each([
    ["presenceStatus", "QUEUE_AND_EXTENSION"],
    ["acceptQueueCalls", "QUEUE"],
  ])("takes the body for one of the detail that is needed when the pattern names %s", (pattern, detail) => {
    const { acceptance, availability } = regex({ pattern });
    expect(compileAcceptance({ acceptance, availability, onlyExtensions: [] })).toMatchObject({ detail });
  });
});

function namesOf<T extends object>(names: T): (keyof T & string)[] {
  return Object.keys(names).filter((name) => Number.isNaN(Number(name))) as (keyof T & string)[];
}
