import { randomBytes } from "node:crypto";
import type { Keyring } from "../lib/sealing.ts";
import { Secret } from "../lib/secret.ts";
import type { Store } from "./store.ts";

const KEY = "system/identity-key";
const BYTES = 32;

/**
 * The key that connection identities and fingerprints are made with: random, made once, kept sealed, never rotated, so
 * that an identity means the same credential over restarts and replicas and gives nothing of it away.
 */
export async function loadIdentityKey(store: Store, keyring: Keyring): Promise<Uint8Array> {
  for (;;) {
    const entry = await store.get(KEY);
    if (entry) return Buffer.from(keyring.open(Buffer.from(entry.value).toString(), KEY).reveal(), "base64");
    const key = randomBytes(BYTES);
    const sealed = keyring.seal(new Secret(key.toString("base64")), KEY);
    const put = await store.put(KEY, Buffer.from(sealed), { expected: "absent" });
    if (put.ok) return key;
  }
}
