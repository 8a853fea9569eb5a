import { describe, expect, test } from "vitest";
import type { Access } from "../connections/credentials.ts";
import { Secret } from "../lib/secret.ts";
import { connectionSource, namedConnection } from "./connection-source.ts";
import { connectionIdentity, fingerprint } from "./identity.ts";
import { questionBackOffKey, questionOf } from "./question.ts";

const key = Buffer.alloc(32, 7);
const access = (token: string): Access => ({ kind: "bearer_token", token: new Secret(token) });
const queue = { origin: "https://platform.ringcentral.com", accountId: "~", queueId: "400123", onlyExtensions: [] };

describe("connectionIdentity()", () => {
  test("differs when key, origin or token differ, and only then", () => {
    const of = (origin: string, token: string, by = key) => connectionIdentity(by, origin, access(token));
    expect(of("https://a", "t")).toBe(of("https://a", "t"));
    const all = [
      of("https://a", "t"),
      of("https://b", "t"),
      of("https://a", "u"),
      of("https://a", "t", Buffer.alloc(32)),
    ];
    expect(new Set(all).size).toBe(4);
    expect(of("https://a", "t")).toMatch(/^[A-Za-z0-9_-]{43}$/);
  });
});

describe("fingerprint()", () => {
  test("tells credentials apart and does not give them away", () => {
    expect(fingerprint(key, access("t"))).toMatch(/^[0-9a-f]{12}$/);
    expect(fingerprint(key, access("t"))).toBe(fingerprint(key, access("t")));
    expect(fingerprint(key, access("t"))).not.toBe(fingerprint(key, access("u")));
    expect(fingerprint(key, access("t"))).not.toBe(fingerprint(Buffer.alloc(32), access("t")));
  });
});

describe("questionOf()", () => {
  const source = (token: string, origin = queue.origin) => connectionSource(key, origin, access(token));
  const question = questionOf(queue, "QUEUE", source("t"));

  test("is the same question when only the filter differs", () => {
    expect(questionOf({ ...queue, onlyExtensions: ["101"] }, "QUEUE", source("t"))).toEqual(question);
  });

  test("is another question when the detail differs", () => {
    expect(questionOf(queue, "QUEUE_AND_EXTENSION", source("t")).key).not.toBe(question.key);
  });

  test("stays the same question when its named connection has another credential", () => {
    const named = (token: string) => questionOf(queue, "QUEUE", namedConnection("hq", queue.origin, access(token)));
    expect(named("u").key).toBe(named("t").key);
    expect(named("t").key).not.toBe(question.key);
    const other = questionOf(queue, "QUEUE", namedConnection("branch", queue.origin, access("t")));
    expect(other.key).not.toBe(named("t").key);
  });

  test.each([
    ["the queue", { ...queue, queueId: "400124" }, "t"],
    ["the account", { ...queue, accountId: "400" }, "t"],
    ["the server", { ...queue, origin: "https://platform.ringcentral.biz" }, "t"],
    ["the token", queue, "u"],
  ])("is another question when %s differs", (_, other, token) => {
    expect(questionOf(other, "QUEUE", source(token, other.origin)).key).not.toBe(question.key);
  });

  test("shares the connection when only the queue differs, and remembers trouble of its own", () => {
    const other = questionOf({ ...queue, queueId: "400124" }, "QUEUE", source("t"));
    expect(other.source.key).toBe(question.source.key);
    expect(questionBackOffKey(other)).not.toBe(questionBackOffKey(question));
  });

  test("shows no token in any key or print", () => {
    const secret = questionOf(queue, "QUEUE", source("s3cret-t0ken"));
    expect(JSON.stringify(secret)).not.toContain("s3cret");
  });
});
