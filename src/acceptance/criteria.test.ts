import { describe, expect, test } from "vitest";
import type { AgentCountName, PresenceDetail } from "./agents.ts";
import {
  type CriteriaContext,
  type CriteriaSpec,
  compileCriteria,
  defaultCriteria,
  type JsonPathType,
  type RegexCriterionSpec,
} from "./criteria.ts";

const context: CriteriaContext = { field: "destination.acceptance", onlyExtensions: [], detail: "QUEUE" };

function regex(pattern: string, rest: Partial<RegexCriterionSpec> = {}): CriteriaSpec {
  return { ...defaultCriteria, criterion: { kind: "regex", type: "COUNT", scope: "RECORDS", ...rest, pattern } };
}

function agents(count: AgentCountName): CriteriaSpec {
  return { ...defaultCriteria, criterion: { kind: "agents", count } };
}

function path(type: JsonPathType, path: string): CriteriaSpec {
  return { ...defaultCriteria, criterion: { kind: "json_path", type, path } };
}

function warnings(spec: CriteriaSpec, detail: PresenceDetail = "QUEUE") {
  const compiled = compileCriteria(spec, { ...context, detail });
  if ("violations" in compiled) throw new Error(JSON.stringify(compiled.violations));
  return compiled.warnings.map(({ field, reason }) => `${field} ${reason}`);
}

function violations(spec: CriteriaSpec, rest: Partial<CriteriaContext> = {}) {
  const compiled = compileCriteria(spec, { ...context, ...rest });
  return "violations" in compiled ? compiled.violations.map(({ field, reason }) => `${field} ${reason}`) : [];
}

describe("compileCriteria() refuses", () => {
  test("everything that is wrong at once", () => {
    const spec = { ...regex("(?=a)", { type: "CAPTURE" }), value: Number.NaN };
    expect(violations(spec)).toEqual([
      "destination.acceptance.value NOT_FINITE",
      "destination.acceptance.regex.scope CAPTURE_NEEDS_BODY_OR_RAW",
      "destination.acceptance.regex.pattern LOOK_AROUND_NOT_SUPPORTED",
    ]);
  });

  test("CAPTURE unless the pattern has exactly one group", () => {
    const capture = (pattern: string) => violations(regex(pattern, { type: "CAPTURE", scope: "BODY" }));
    const refusal = ["destination.acceptance.regex.pattern CAPTURE_NEEDS_ONE_GROUP"];
    expect(capture("a")).toEqual(refusal);
    expect(capture("(a)(b)")).toEqual(refusal);
    expect(capture("(?:a)(b)")).toEqual([]);
  });

  test("RAW when its text is not what the destination looks at", () => {
    const raw = regex("a", { scope: "RAW" });
    const scope = "destination.acceptance.regex.scope";
    expect(violations(raw, { onlyExtensions: ["101"] })).toEqual([`${scope} RAW_WITH_ONLY_EXTENSIONS`]);
    expect(violations(regex('"userStatus"', { scope: "RAW" }))).toEqual([`${scope} RAW_WITH_JOINED_FIELD`]);
    expect(violations(regex('"acceptCallQueueCalls"', { scope: "RAW" }))).toEqual([`${scope} RAW_WITH_JOINED_FIELD`]);
    expect(violations(raw)).toEqual([]);
  });

  test("counts of agents that the presence detail does not show", () => {
    const refusal = ["destination.acceptance.agents.count NEEDS_QUEUE_AND_EXTENSION"];
    expect(violations(agents("ON_CALL"))).toEqual(refusal);
    expect(violations(agents("OFFLINE"))).toEqual(refusal);
    expect(violations(agents("ON_CALL"), { detail: "QUEUE_AND_EXTENSION" })).toEqual([]);
  });

  test("a path, and a property path by its own field, saying where and what is wrong", () => {
    const propertyPath = { path: "$.n[", field: "destination.availability.property_path" };
    const compiled = compileCriteria(path("COUNT", "$.a b"), { ...context, propertyPath });
    expect(compiled).toEqual({
      violations: [
        {
          field: "destination.acceptance.json_path.path",
          reason: "INVALID_PATH",
          description:
            "is not a JSONPath of RFC 9535: at character 5, expected '.', '..' or a bracketed selection, found 'b'",
        },
        {
          field: "destination.availability.property_path",
          reason: "INVALID_PATH",
          description: "is not a JSONPath of RFC 9535: at the end, unclosed bracketed selection",
        },
      ],
    });
    expect(violations(path("COUNT", "$[?match(@.a, '\\\\d')]"))).toEqual([
      "destination.acceptance.json_path.path INVALID_PATTERN",
    ]);
  });

  test("a value that is infinite", () => {
    expect(violations({ ...defaultCriteria, value: Number.POSITIVE_INFINITY })).toEqual([
      "destination.acceptance.value NOT_FINITE",
    ]);
  });
});

describe("compileCriteria() warns", () => {
  const pattern = "destination.acceptance.regex.pattern";
  const both = '"acceptQueueCalls": true, "acceptCurrentQueueCalls": true';

  test.each([
    ["the default", defaultCriteria],
    ["the same in BODY", regex('"acceptCurrentQueueCalls"\\s*:\\s*true', { scope: "BODY" })],
    ["it with the agent's name", regex('"member".*"acceptCurrentQueueCalls": true')],
    ["records by extension", regex('"extension".*"acceptCurrentQueueCalls": true')],
  ])("that agents on Do Not Disturb count when the pattern is %s", (_name, spec) => {
    expect(warnings(spec)).toEqual([`${pattern} COUNTS_DO_NOT_DISTURB`]);
  });

  test("of nothing when the pattern asks for both flags", () => {
    expect(warnings(regex(both))).toEqual([]);
    expect(warnings(regex('"acceptCurrentQueueCalls": false'))).toEqual([]);
    expect(warnings(regex('"acceptQueueCalls":true'))).toEqual([]);
  });

  test("that calls in progress are not seen when agents AVAILABLE reads the queue alone", () => {
    expect(warnings(agents("AVAILABLE"))).toEqual(["destination.acceptance.agents.count CALLS_IN_PROGRESS_NOT_SEEN"]);
    expect(warnings(agents("AVAILABLE"), "QUEUE_AND_EXTENSION")).toEqual([]);
    expect(warnings(agents("UNKNOWN"))).toEqual(["destination.acceptance.agents.count CALLS_IN_PROGRESS_NOT_SEEN"]);
    expect(warnings(agents("UNKNOWN"), "QUEUE_AND_EXTENSION")).toEqual([]);
    expect(warnings(agents("ACCEPTING"))).toEqual([]);
  });

  test("that the queue's answer lacks a field when the pattern names one", () => {
    const spec = regex('"acceptCurrentQueueCalls": true.*"presenceStatus": "Available"');
    expect(warnings(spec)).toEqual([`${pattern} FIELD_NOT_IN_QUEUE_ANSWER`]);
    expect(warnings(spec, "QUEUE_AND_EXTENSION")).toEqual([]);
  });

  test("that a newer field is not in the queue's answer, and that its want leaves nothing open", () => {
    const compiled = compileCriteria(regex('"acceptCallQueueCalls": true'), context);
    expect("warnings" in compiled && compiled.warnings).toEqual([
      {
        field: pattern,
        reason: "FIELD_NOT_IN_QUEUE_ANSWER",
        description:
          "names acceptCallQueueCalls, which RingCentral's queue answer does not carry: it never matches there",
      },
    ]);
    expect(warnings(regex('"acceptCallQueueCalls": true'), "QUEUE_AND_EXTENSION")).toEqual([]);
  });

  test.each([
    '"presenceStatus": "Available".*"acceptCurrentQueueCalls": true',
    '"acceptCurrentQueueCalls": true, "acceptQueueCalls": true',
    '("acceptQueueCalls"|"presenceStatus").*"member"',
  ])("that keys stand against the canonical order when the pattern is %s", (written) => {
    expect(warnings(regex(written), "QUEUE_AND_EXTENSION")).toEqual([`${pattern} KEYS_AGAINST_CANONICAL_ORDER`]);
  });

  test.each([
    '"presenceStatus": "Busy"|"acceptQueueCalls": false',
    '("presenceStatus": "Busy"|"acceptQueueCalls": false|"dndStatus": "x").*"telephonyStatus": "NoCall"',
    '"presenceStatus": "Offline"},\\s{"member"',
    '"presenceStatus": "Busy".*"extensionNumber"',
  ])("of no order when the pattern is %s", (written) => {
    const spec = regex(written, { scope: "BODY" });
    expect(warnings(spec, "QUEUE_AND_EXTENSION").join()).not.toContain("ORDER");
  });

  test.each([
    // Found in the two-space layout, where a line ends after the value.
    ["a line's end", regex('"acceptQueueCalls": true,\\n', {})],
    // Found in the compact layout only: the rules leave a quantified group alone.
    ["a quantified group", regex('"acceptQueueCalls(")?:true')],
    [
      "matches over a whole line",
      regex('"acceptQueueCalls"\\s*:\\s*true.*"acceptCurrentQueueCalls"\\s*:\\s*true', { scope: "BODY" }),
    ],
    ["one layout in RAW", regex('"acceptQueueCalls": true', { scope: "RAW" })],
  ])("that layouts disagree when the pattern is made for %s", (_name, spec) => {
    expect(warnings(spec)).toContain(`${pattern} LAYOUTS_DISAGREE`);
  });

  test("that a path may find several nodes when its type needs exactly one", () => {
    const refusal = ["destination.acceptance.json_path.path PATH_NOT_SINGULAR"];
    expect(warnings(path("NUMBER", "$.records[*].n"))).toEqual(refusal);
    expect(warnings(path("BOOLEAN", "$..open"))).toEqual(refusal);
    expect(warnings(path("NUMBER", "$.records[0].n"))).toEqual([]);
    expect(warnings(path("COUNT", "$.records[*].n"))).toEqual([]);
    expect(warnings(path("EXISTS", "$.records[*].n"))).toEqual([]);
  });

  test("of agents on Do Not Disturb and of absent fields when a path asks for them", () => {
    const field = "destination.acceptance.json_path.path";
    const flag = "@.acceptCurrentQueueCalls == true";
    expect(warnings(path("COUNT", `$.records[?${flag}]`))).toEqual([`${field} COUNTS_DO_NOT_DISTURB`]);
    expect(warnings(path("EXISTS", `$.records[?${flag} && @.extension]`))).toEqual([`${field} COUNTS_DO_NOT_DISTURB`]);
    expect(warnings(path("COUNT", `$.records[?${flag} && @.acceptQueueCalls == true]`))).toEqual([]);
    expect(warnings(path("COUNT", "$.records[?@.dndStatus]"))).toEqual([`${field} FIELD_NOT_IN_QUEUE_ANSWER`]);
    expect(warnings(path("COUNT", "$.records[?@.dndStatus]"), "QUEUE_AND_EXTENSION")).toEqual([]);
  });

  test("of nothing, and in bounded time, when a path explodes", () => {
    expect(warnings(path("COUNT", `$${"..[*,*]".repeat(60)}.nope`))).toEqual([]);
  });

  test("of no layout when a RAW pattern allows any white space", () => {
    expect(warnings(regex('"acceptQueueCalls"\\s*:\\s*true', { scope: "RAW" }))).toEqual([]);
  });
});

test("compileCriteria() shows the pattern as it runs", () => {
  const used = (spec: CriteriaSpec) => {
    const compiled = compileCriteria(spec, context);
    return "criteria" in compiled ? compiled.criteria.patternUsed : undefined;
  };
  expect(used(regex('"acceptCurrentQueueCalls":true'))).toBe('"acceptCurrentQueueCalls": true');
  expect(used(regex('"acceptCurrentQueueCalls":true', { scope: "RAW" }))).toBe('"acceptCurrentQueueCalls":true');
  expect(used(agents("AVAILABLE"))).toBeUndefined();
});

test("compileCriteria() bounds its try-out when a pattern is costly", () => {
  const began = process.cpuUsage();
  expect(violations(regex("(?s)(.*,){90}z|.", { scope: "BODY" }))).toEqual([]);
  const { user } = process.cpuUsage(began);
  console.info(`costly try-out: ${Math.round(user / 1000)} ms of CPU`);
});
