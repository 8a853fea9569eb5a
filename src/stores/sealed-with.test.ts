import { expect, test } from "vitest";
import { createKeyring } from "../lib/sealing.ts";
import { Secret } from "../lib/secret.ts";
import { sealedWith } from "./sealed-with.ts";
import { openSqlite } from "./sqlite.ts";

test("sealedWith() names every key once that stored secrets need, wherever in a value they stand", async () => {
  const store = openSqlite(":memory:");
  expect(await sealedWith(store)).toEqual([]);
  const keyrings = [1, 2].map((byte) => createKeyring([new Uint8Array(32).fill(byte)]));
  const [one, two] = keyrings.map((keyring) => keyring.seal(new Secret("x"), "here"));
  await store.put("push/a", Buffer.from(one!));
  await store.put(
    "tokens/b/c",
    Buffer.from(JSON.stringify({ first: one, other: { second: two }, text: "aes256gcm:none" })),
  );
  await store.put("connections/d", Buffer.from([0xff, 0xfe]));
  expect(await sealedWith(store)).toEqual(keyrings.map(({ keyIds }) => keyIds[0]!).toSorted());
});
