import { expect, test, vi } from "vitest";
import { createKeyring } from "../lib/sealing.ts";
import { loadIdentityKey } from "./identity-key.ts";
import { openSqlite } from "./sqlite.ts";

const keyring = createKeyring([new Uint8Array(32).fill(1)]);

test("loadIdentityKey() makes 32 random bytes once, and finds the same after a restart", async () => {
  const store = openSqlite(":memory:");
  const key = await loadIdentityKey(store, keyring);
  expect(key).toHaveLength(32);
  const put = vi.spyOn(store, "put");
  expect(Buffer.from(await loadIdentityKey(store, keyring)).equals(key)).toBe(true);
  expect(put).not.toHaveBeenCalled();
  expect(Buffer.from(await loadIdentityKey(openSqlite(":memory:"), keyring)).equals(key)).toBe(false);
});

test("loadIdentityKey() keeps the key sealed, and the same when another sealing key comes first", async () => {
  const store = openSqlite(":memory:");
  const key = Buffer.from(await loadIdentityKey(store, keyring));
  const [entry] = await store.list("");
  const stored = Buffer.from(entry!.value);
  expect(stored.includes(key)).toBe(false);
  expect(stored.toString()).toMatch(/^aes256gcm:/);
  expect(stored.toString()).not.toContain(key.toString("base64"));
  const rotated = createKeyring([new Uint8Array(32).fill(2), new Uint8Array(32).fill(1)]);
  expect(key.equals(await loadIdentityKey(store, rotated))).toBe(true);
  // By then it is sealed with the first, and the older one can go.
  const alone = createKeyring([new Uint8Array(32).fill(2)]);
  expect(key.equals(await loadIdentityKey(store, alone))).toBe(true);
});

test("loadIdentityKey() seals the key again with the first key, so that the older one can be taken away", async () => {
  const store = openSqlite(":memory:");
  const key = Buffer.from(await loadIdentityKey(store, keyring));
  const two = new Uint8Array(32).fill(2);
  const rotated = createKeyring([two, new Uint8Array(32).fill(1)]);
  await Promise.all([loadIdentityKey(store, rotated), loadIdentityKey(store, rotated)]);
  const put = vi.spyOn(store, "put");
  expect(key.equals(await loadIdentityKey(store, createKeyring([two])))).toBe(true);
  expect(put).not.toHaveBeenCalled();
});

test("loadIdentityKey() gives every replica one key when many start at once", async () => {
  const store = openSqlite(":memory:");
  const keys = await Promise.all(Array.from({ length: 20 }, () => loadIdentityKey(store, keyring)));
  expect(new Set(keys.map((key) => Buffer.from(key).toString("hex"))).size).toBe(1);
  expect(await store.list("")).toHaveLength(1);
});

test("loadIdentityKey() refuses, and makes no other, when the key to it is missing", async () => {
  const store = openSqlite(":memory:");
  await loadIdentityKey(store, keyring);
  const before = await store.list("");
  const other = createKeyring([new Uint8Array(32).fill(2)]);
  await expect(loadIdentityKey(store, other)).rejects.toMatchObject({ reason: "UNKNOWN_KEY" });
  expect(await store.list("")).toEqual(before);
});
