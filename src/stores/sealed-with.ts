import type { Store } from "./store.ts";

// What is known of presence holds no secret and is most of what is stored, so it is not read for this.
const WITH_SECRETS = ["connections/", "destinations/", "push/", "system/", "tokens/"];
const SEALED = /\baes256gcm:([0-9a-f]{8}):/g;

/** The ids of the keys that secrets in a store were sealed with, in order; empty when it holds none. */
export async function sealedWith(store: Pick<Store, "list">): Promise<string[]> {
  const ids = new Set<string>();
  for (const prefix of WITH_SECRETS) {
    for (const { value } of await store.list(prefix)) for (const id of keyIdsIn(value)) ids.add(id);
  }
  return [...ids].toSorted();
}

/** The ids of the keys that the secrets in a stored value were sealed with. */
export function keyIdsIn(value: Uint8Array): string[] {
  return Array.from(Buffer.from(value).toString("latin1").matchAll(SEALED), ([, id]) => id!);
}
