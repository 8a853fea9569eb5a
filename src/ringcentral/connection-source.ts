import type { Access } from "../connections/credentials.ts";
import { connectionIdentity } from "./identity.ts";

/** Which connection something is asked over. */
export interface ConnectionSource {
  /** Of a named connection its id, else the identity of origin and credential. */
  readonly key: string;
  readonly origin: string;
  readonly access: Access;
}

/** The connection of a credential that no named connection holds; `identityKey` as in connectionIdentity(). */
export function connectionSource(identityKey: Uint8Array, origin: string, access: Access): ConnectionSource {
  return { key: connectionIdentity(identityKey, origin, access), origin, access };
}

/** The connection that was configured under an id. */
export function namedConnection(id: string, origin: string, access: Access): ConnectionSource {
  return { key: namedConnectionKey(id), origin, access };
}

/** No identity of a credential has a "/" in it. */
export function namedConnectionKey(id: string): string {
  return `named/${id}`;
}
