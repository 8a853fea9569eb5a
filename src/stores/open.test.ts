import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { keyFileOf, openStore, parseStoreUrl } from "./open.ts";

describe("parseStoreUrl()", () => {
  test.each([
    [":memory:", { kind: "memory" }],
    ["sqlite::memory:", { kind: "memory" }],
    ["sqlite:./data/availability.db", { kind: "sqlite", path: "./data/availability.db" }],
    ["sqlite:/var/lib/a b.db", { kind: "sqlite", path: "/var/lib/a b.db" }],
    ["sqlite:C:x", { kind: "sqlite", path: "C:x" }],
  ])("takes %j", (url, location) => {
    expect(parseStoreUrl(url)).toEqual(location);
  });

  test.each([
    ["nats://user:hunter2@host:4222", "UNSUPPORTED", 'has the scheme "nats:", not available yet; expected'],
    ["postgres://user:hunter2@host/db", "INVALID_FORMAT", 'has the scheme "postgres:"; expected'],
    ["SQLITE:./x.db", "INVALID_FORMAT", 'has the scheme "SQLITE:"; expected'],
    ["./hunter2.db", "INVALID_FORMAT", "has no scheme; expected"],
    ["", "INVALID_FORMAT", "has no scheme; expected"],
    [" sqlite:x", "INVALID_FORMAT", "has no scheme; expected"],
    ["sqlite:", "INVALID_FORMAT", 'is "sqlite:"; expected a file'],
    ["sqlite://data/x.db", "INVALID_FORMAT", 'is "sqlite://data/x.db"; expected a file'],
    ["sqlite:./data/", "INVALID_FORMAT", 'is "sqlite:./data/"; expected a file'],
    ["sqlite:x.db?mode=ro", "INVALID_FORMAT", 'is "sqlite:x.db?mode=ro"; expected a file'],
  ])("refuses %j and never shows a password", (url, reason, description) => {
    const violation = parseStoreUrl(url);
    expect(violation).toMatchObject({ field: "STORE_URL", reason, description: expect.stringContaining(description) });
    expect(JSON.stringify(violation)).not.toContain("hunter2");
  });
});

describe("openStore()", () => {
  test("opens a file that it makes", async () => {
    const directory = mkdtempSync(join(tmpdir(), "store-"));
    onTestFinished(() => rmSync(directory, { recursive: true }));
    const store = openStore(`sqlite:${directory}/data/x.db`);
    expect(await store.put("a", Buffer.from("1"))).toEqual({ ok: true, revision: 1 });
    await store.close();
    expect(statSync(join(directory, "data", "x.db")).isFile()).toBe(true);
  });

  test("opens a store in memory", async () => {
    const store = openStore("sqlite::memory:");
    expect(await store.list("")).toEqual([]);
    await store.close();
  });

  test("throws INVALID_ARGUMENT with the violation when the address is refused", () => {
    expect(() => openStore("nats://host")).toThrow(
      expect.objectContaining({
        code: "INVALID_ARGUMENT",
        message: expect.stringMatching(/^Cannot open store: STORE_URL has the scheme "nats:", not available yet/),
        violations: [expect.objectContaining({ field: "STORE_URL", reason: "UNSUPPORTED" })],
      }),
    );
  });
});

test("keyFileOf() is beside the store's file, and nowhere for a store in memory", () => {
  expect(keyFileOf("sqlite:./data/availability.db")).toBe("data/secrets.key");
  expect(keyFileOf("sqlite:/var/lib/x.db")).toBe("/var/lib/secrets.key");
  expect(keyFileOf(":memory:")).toBeUndefined();
});
