import { createHash } from "node:crypto";
import type { Access } from "../connections/credentials.ts";
import { connectionIdentity } from "./identity.ts";

/** Which connection something is asked over. */
export interface ConnectionSource {
  /** Tells connections apart, and is part of store keys: of a named one its id and server, else an identity. */
  readonly key: string;
  readonly origin: string;
  readonly access: Access;
}

/** The connection of a credential that no named connection holds; `identityKey` as in connectionIdentity(). */
export function connectionSource(identityKey: Uint8Array, origin: string, access: Access): ConnectionSource {
  return { key: connectionIdentity(identityKey, origin, access), origin, access };
}

/**
 * The connection that was configured under an id, whatever its credential: that may be replaced. At another server it is
 * another one: nothing that was known or counted holds there.
 */
export function namedConnection(id: string, origin: string, access: Access): ConnectionSource {
  const server = createHash("sha256").update(origin).digest("hex").slice(0, 8);
  // No identity has a "/" in it.
  return { key: `named/${id}/${server}`, origin, access };
}
