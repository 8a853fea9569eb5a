import { randomBytes } from "node:crypto";
import { isSealedWithFirst, type Keyring } from "../lib/sealing.ts";
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
    const sealed = entry && Buffer.from(entry.value).toString();
    const text = sealed === undefined ? new Secret(randomBytes(BYTES).toString("base64")) : keyring.open(sealed, KEY);
    // Sealed again when another key seals by now, so that the older one can be retired.
    const kept = sealed !== undefined && isSealedWithFirst(sealed, keyring);
    const write = { expected: entry?.revision ?? "absent" } as const;
    const done = kept || (await store.put(KEY, Buffer.from(keyring.seal(text, KEY)), write)).ok;
    if (done) return Buffer.from(text.reveal(), "base64");
  }
}
