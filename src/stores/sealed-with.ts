import type { Store } from "./store.ts";

const SEALED = /\baes256gcm:([0-9a-f]{8}):/g;

/** The ids of the keys that secrets in a store were sealed with, in order; empty when it holds none. */
export async function sealedWith(store: Pick<Store, "list">): Promise<string[]> {
  const ids = new Set<string>();
  for (const { value } of await store.list("")) {
    for (const [, id] of Buffer.from(value).toString("latin1").matchAll(SEALED)) ids.add(id!);
  }
  return [...ids].toSorted();
}
