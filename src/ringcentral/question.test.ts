import { describe, expect, test } from "vitest";
import type { Access } from "../connections/credentials.ts";
import { Secret } from "../lib/secret.ts";
import { connectionIdentity, fingerprint } from "./identity.ts";
import { questionOf } from "./question.ts";

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
  const question = questionOf(queue, access("t"), key);

  test("is the same question when only the filter differs", () => {
    expect(questionOf({ ...queue, onlyExtensions: ["101"] }, access("t"), key)).toEqual(question);
  });

  test.each([
    ["the queue", { ...queue, queueId: "400124" }, "t"],
    ["the account", { ...queue, accountId: "400" }, "t"],
    ["the server", { ...queue, origin: "https://platform.ringcentral.biz" }, "t"],
    ["the token", queue, "u"],
  ])("is another question when %s differs", (_, other, token) => {
    expect(questionOf(other, access(token), key).key).not.toBe(question.key);
  });

  test("shares connection and budget when only the queue differs, under keys of their own", () => {
    const other = questionOf({ ...queue, queueId: "400124" }, access("t"), key);
    expect([other.connectionKey, other.budgetKey]).toEqual([question.connectionKey, question.budgetKey]);
    expect(new Set([question.key, question.connectionKey, question.budgetKey]).size).toBe(3);
  });

  test("shows no token in any key or print", () => {
    const secret = questionOf(queue, access("s3cret-t0ken"), key);
    expect(JSON.stringify(secret)).not.toContain("s3cret");
  });
});
