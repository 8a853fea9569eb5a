import { describe, expect, test } from "vitest";
import type { AgentCountName, PresenceDetail } from "./agents.ts";
import { type CriteriaSpec, compileCriteria, defaultCriteria, needsExtension, type Scope } from "./criteria.ts";
import type { Dated } from "./dated.ts";

const regex = (pattern: string, scope: Scope = "RECORDS"): CriteriaSpec => ({
  ...defaultCriteria,
  criterion: { kind: "regex", type: "COUNT", scope, pattern },
});
const path = (path: string): CriteriaSpec => ({
  ...defaultCriteria,
  criterion: { kind: "json_path", type: "COUNT", path },
});
const agents = (count: AgentCountName): CriteriaSpec => ({ ...defaultCriteria, criterion: { kind: "agents", count } });

function dependsOn(spec: CriteriaSpec, detail: PresenceDetail, propertyPath?: string): readonly Dated[] {
  const compiled = compileCriteria(spec, {
    field: "acceptance",
    onlyExtensions: [],
    detail,
    ...(propertyPath && { propertyPath: { path: propertyPath, field: "property_path" } }),
  });
  if ("violations" in compiled) throw new Error(JSON.stringify(compiled.violations));
  return compiled.criteria.dependsOn;
}

describe("compileCriteria() says what they depend on when", () => {
  test.each<[string, Dated[]]>([
    ['"acceptCurrentQueueCalls": true', ["optIn"]],
    ['"acceptQueueCalls": true', ["doNotDisturb"]],
    ['"acceptQueueCalls": true.*"acceptCurrentQueueCalls": true', ["optIn", "doNotDisturb"]],
    ['"acceptCurrentQueueCalls": true.*"presenceStatus": "Available"', ["optIn", "extension"]],
    ['"dndStatusPersonal": "TakeAllCalls"', ["extension"]],
    ['"acceptCallQueueCalls": true', ["extension"]],
    ['"aggregatedTelephonyStatus": "NoCall"', ["extension"]],
    ['"meetingStatus": "Connected"', ["extension"]],
    ["Available", ["extension", "answer"]],
    ['"accept[A-Za-z]+": true', ["extension", "answer"]],
  ])("the pattern or path is %s", (text, expected) => {
    expect(dependsOn(regex(text), "QUEUE_AND_EXTENSION")).toEqual(expected);
    const alone = expected.includes("answer") ? ["answer"] : expected;
    expect(dependsOn(regex(text), "QUEUE")).toEqual(alone);
    const filter = path(`$.records[?search(@.x, '${text}')]`);
    expect(dependsOn(filter, "QUEUE_AND_EXTENSION")).toEqual(expected);
  });

  test("the scope is RAW, whatever the pattern names", () => {
    expect(dependsOn(regex('"acceptQueueCalls"', "RAW"), "QUEUE_AND_EXTENSION")).toEqual(["answer"]);
  });

  test("a property path looks at more", () => {
    const paths = "$.records[?@.acceptQueueCalls && @.userStatus]";
    expect(dependsOn(agents("ACCEPTING"), "QUEUE_AND_EXTENSION", paths)).toEqual([
      "optIn",
      "doNotDisturb",
      "extension",
    ]);
    expect(dependsOn(agents("ACCEPTING"), "QUEUE", "$.records")).toEqual(["optIn", "answer"]);
  });

  test.each<[AgentCountName, Dated[], Dated[]]>([
    ["TOTAL", ["answer"], ["answer"]],
    ["ACCEPTING", ["optIn"], ["optIn"]],
    ["OPTED_OUT", ["optIn"], ["optIn"]],
    ["DO_NOT_DISTURB", ["doNotDisturb"], ["doNotDisturb", "extension"]],
    ["AVAILABLE", ["optIn", "doNotDisturb"], ["optIn", "doNotDisturb", "extension"]],
    ["UNKNOWN", ["optIn", "doNotDisturb"], ["optIn", "doNotDisturb", "extension"]],
  ])("agents are counted who are %s", (count, alone, joined) => {
    expect(dependsOn(agents(count), "QUEUE")).toEqual(alone);
    expect(dependsOn(agents(count), "QUEUE_AND_EXTENSION")).toEqual(joined);
  });

  test("agents on a call or offline are counted", () => {
    expect(dependsOn(agents("ON_CALL"), "QUEUE_AND_EXTENSION")).toEqual(["extension"]);
    expect(dependsOn(agents("OFFLINE"), "QUEUE_AND_EXTENSION")).toEqual(["extension"]);
  });
});

describe("needsExtension()", () => {
  test.each<[string, CriteriaSpec, boolean]>([
    ["the default", defaultCriteria, false],
    ["a pattern with presenceStatus", regex('"acceptCurrentQueueCalls": true.*"presenceStatus": "Available"'), true],
    ["a pattern with a newer field", regex('"acceptCallQueueCalls": true'), true],
    ["RAW, which shows nothing joined", regex('"presenceStatus"', "RAW"), false],
    ["a path with telephonyStatus", path("$.records[?@.telephonyStatus == 'NoCall']"), true],
    ["a path without", path("$.records[?@.acceptQueueCalls]"), false],
    ["agents ON_CALL", agents("ON_CALL"), true],
    ["agents OFFLINE", agents("OFFLINE"), true],
    ["agents AVAILABLE", agents("AVAILABLE"), false],
    ["agents UNKNOWN", agents("UNKNOWN"), false],
  ])("looks at %s", (_name, spec, expected) => {
    expect(needsExtension(spec)).toBe(expected);
  });

  test("looks at the property path too", () => {
    expect(needsExtension(defaultCriteria, "$.records[?@.meetingStatus == 'Connected']")).toBe(true);
    expect(needsExtension(defaultCriteria, "$.records")).toBe(false);
  });
});
