import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseRingCentralTemplate, queuePresenceRequest } from "./ringcentral.ts";

const platform = "https://platform.ringcentral.com";
const allowList = { allows: (origin: string) => origin === platform || origin === "http://127.0.0.1:8081" };
const plain = { accountId: "", callQueueId: "400123", serverUrl: "", onlyExtensions: [] as string[] };
const parse = (fields: Partial<typeof plain>) => {
  const parsed = parseRingCentralTemplate({ ...plain, ...fields }, { field: "destination.ring_central", allowList });
  return { template: undefined, violations: undefined, ...parsed };
};
const broken = (fields: Partial<typeof plain>) =>
  parse(fields).violations?.map((v) => [v.field.replace("destination.ring_central.", ""), v.reason]);

describe("parseRingCentralTemplate()", () => {
  test("fills in account and server when only the queue is given", () => {
    expect(parse({}).template).toEqual({ origin: platform, accountId: "~", queueId: "400123", onlyExtensions: [] });
  });

  test("keeps each extension number once and in order when they repeat", () => {
    expect(parse({ onlyExtensions: ["104", "101", "104"] }).template?.onlyExtensions).toEqual(["101", "104"]);
  });

  test("allows http when the allow-list names that origin", () => {
    expect(parse({ serverUrl: "http://127.0.0.1:8081/" }).template?.origin).toBe("http://127.0.0.1:8081");
  });

  test("says everything at once when everything is wrong", () => {
    const onlyExtensions = ["101", "12a", ""];
    expect(broken({ accountId: "me", callQueueId: "", serverUrl: "https://evil.example", onlyExtensions })).toEqual([
      ["account_id", "INVALID_FORMAT"],
      ["call_queue_id", "REQUIRED"],
      ["server_url", "NOT_ALLOWED"],
      ["only_extensions[1]", "INVALID_FORMAT"],
      ["only_extensions[2]", "INVALID_FORMAT"],
    ]);
  });

  test("says how to allow a server when it is not on the allow-list", () => {
    const description = parse({ serverUrl: "http://platform.ringcentral.com" }).violations?.[0]?.description;
    expect(description).toContain('"http://platform.ringcentral.com"');
    expect(description).toContain("UPSTREAM_ALLOW");
  });

  test("does not repeat a server address when a password stands in it", () => {
    const violations = parse({ serverUrl: "https://user:hunter2@platform.ringcentral.com" }).violations;
    expect(violations?.[0]?.reason).toBe("INVALID_FORMAT");
    expect(JSON.stringify(violations)).not.toContain("hunter2");
  });

  test.each(["https://platform.ringcentral.com/restapi", "https://platform.ringcentral.com?a=b", "platform"])(
    "refuses a server when %j is no bare origin",
    (serverUrl) => expect(broken({ serverUrl })).toEqual([["server_url", "INVALID_FORMAT"]]),
  );

  test("bounds ids and lists when they are too long", () => {
    const many = Array.from({ length: 501 }, (_, i) => `${i}`);
    expect(broken({ callQueueId: "1".repeat(21) })).toEqual([["call_queue_id", "INVALID_FORMAT"]]);
    expect(parse({ callQueueId: "1".repeat(20), accountId: "2".repeat(20) }).template).toBeDefined();
    expect(broken({ onlyExtensions: many })).toEqual([["only_extensions", "TOO_MANY"]]);
    expect(parse({ onlyExtensions: many.slice(1) }).template?.onlyExtensions).toHaveLength(500);
  });
});

describe("queuePresenceRequest()", () => {
  test("asks exactly the documented address when the account is ~", () => {
    const request = queuePresenceRequest(parse({}).template!);
    expect(request.method).toBe("GET");
    expect(request.url).toBe(`${platform}/restapi/v1.0/account/~/call-queues/400123/presence`);
    expect(request.headers).toEqual([
      ["Accept", "application/json"],
      ["Authorization", "Bearer [token]"],
      ["User-Agent", expect.stringMatching(/^AgentAvailability\/\d+\.\d+\.\d+$/)],
    ]);
  });

  test("keeps the path when hostile ids come in and pass", () => {
    const digits = fc.string({ unit: fc.constantFrom(..."0123456789"), maxLength: 22 });
    const hostile = fc.constantFrom(
      "~",
      "..",
      "1/..",
      "1%2f..",
      "1?x",
      "1#",
      "1\n",
      "１２",
      "$&",
      "~/",
      "1 ",
      "\0",
      "-1",
    );
    const id = fc.oneof(
      digits,
      hostile,
      fc.string(),
      fc.tuple(digits, hostile).map((parts) => parts.join("")),
    );
    fc.assert(
      fc.property(id, id, (accountId, callQueueId) => {
        const { template } = parse({ accountId, callQueueId });
        if (!template) return;
        const url = new URL(queuePresenceRequest(template).url);
        const account = accountId || "~";
        expect(url.pathname).toBe(`/restapi/v1.0/account/${account}/call-queues/${callQueueId}/presence`);
        expect(url.pathname).toMatch(/^\/restapi\/v1\.0\/account\/(~|\d{1,20})\/call-queues\/\d{1,20}\/presence$/);
        expect(url.origin + url.pathname).toBe(url.href);
      }),
      { numRuns: 1000 },
    );
  });
});
