import { expect, test, vi } from "vitest";
import { createKeyring } from "../../lib/sealing.ts";
import { Secret } from "../../lib/secret.ts";
import { openSqlite } from "../../stores/sqlite.ts";
import type { Issued } from "./token-answer.ts";
import { createTokenStore, forgetToken, keptTokens } from "./token-store.ts";

const one = new Uint8Array(32).fill(1);
const two = new Uint8Array(32).fill(2);
const issued: Issued = {
  accessToken: new Secret("acc3ss"),
  issuedAt: 1,
  expiresAt: 3_600_001,
  refreshToken: new Secret("r3fresh"),
  refreshExpiresAt: 604_800_001,
  scope: ["ReadPresence"],
  ownerId: "7",
};

function world(store = openSqlite(":memory:")) {
  const tokens = (given: { keys?: Uint8Array[]; key?: string; identity?: string } = {}) => {
    const { keys = [one], key = "con-1", identity = "credential-1" } = given;
    return createTokenStore({ store, keyring: createKeyring(keys), key, identity });
  };
  return { store, tokens };
}

test("a token is kept sealed, and comes back as it was", async () => {
  const { store, tokens } = world();
  expect(await tokens().load()).toBeUndefined();
  await tokens().save(issued);
  const back = await tokens().load();
  expect(back).toEqual(issued);
  expect([back?.accessToken.reveal(), back?.refreshToken?.reveal()]).toEqual(["acc3ss", "r3fresh"]);
  const [entry] = await store.list("");
  expect(entry?.key).toBe("tokens/con-1");
  expect(Buffer.from(entry!.value).toString()).not.toMatch(/acc3ss|r3fresh/);
  expect(await keptTokens(store)).toEqual(["con-1"]);
  await forgetToken(store, "con-1");
  expect(await keptTokens(store)).toEqual([]);
});

test("a token without any of what may be missing comes back as it was", async () => {
  const { tokens } = world();
  const least = {
    ...issued,
    refreshToken: undefined,
    refreshExpiresAt: undefined,
    scope: undefined,
    ownerId: undefined,
  };
  await tokens().save(least);
  expect(await tokens().load()).toEqual(least);
});

test("a token of another credential is removed, and one that was moved is left aside", async () => {
  const { store, tokens } = world();
  await tokens().save(issued);
  const [entry] = await store.list("");
  await store.put("tokens/con-2", entry!.value);
  expect(await tokens({ key: "con-2" }).load()).toBeUndefined();
  expect(await tokens({ identity: "credential-2" }).load()).toBeUndefined();
  expect(await store.get("tokens/con-1")).toBeUndefined();
});

test.each(["", "{", '{"format":2,"identity":"credential-1","sealed":"x"}'])(
  "%j is as good as nothing",
  async (value) => {
    const { store, tokens } = world();
    await store.put("tokens/con-1", Buffer.from(value));
    expect(await tokens().load()).toBeUndefined();
  },
);

test("a token is sealed again when it was sealed with an older key, and only then", async () => {
  const { store, tokens } = world();
  await tokens({ keys: [two] }).save(issued);
  const put = vi.spyOn(store, "put");
  expect(await tokens({ keys: [one, two] }).load()).toEqual(issued);
  expect(put).toHaveBeenCalledTimes(1);
  expect(await tokens({ keys: [one] }).load()).toEqual(issued);
  expect(put).toHaveBeenCalledTimes(1);
});

test("a token is not lost when the key to it is missing", async () => {
  const { store, tokens } = world();
  await tokens().save(issued);
  await expect(tokens({ keys: [two] }).load()).rejects.toMatchObject({ reason: "UNKNOWN_KEY" });
  expect(await keptTokens(store)).toEqual(["con-1"]);
});

test("a token that comes late replaces no other credential's, and brings none back", async () => {
  const { tokens, store } = world();
  await tokens().save(issued, { unlessReplaced: true });
  expect(await keptTokens(store)).toEqual([]);
  await tokens({ identity: "credential-2" }).save(issued);
  await tokens().save(issued, { unlessReplaced: true });
  expect(await tokens({ identity: "credential-2" }).load()).toEqual(issued);
  const later = { ...issued, expiresAt: 9 };
  await tokens({ identity: "credential-2" }).save(later, { unlessReplaced: true });
  expect(await tokens({ identity: "credential-2" }).load()).toEqual(later);
});
