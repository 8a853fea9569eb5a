import { createHmac } from "node:crypto";
import { type Access, partsOf } from "../connections/credentials.ts";

/**
 * The identity of a connection: equal for equal origin, grant and whole credential, and telling nothing of them without
 * the key (random bytes, made once and never changed).
 */
export function connectionIdentity(key: Uint8Array, origin: string, access: Access): string {
  return digest(key, ["connection", origin, ...partsOf(access)]).toString("base64url");
}

/** 12 hex digits that tell two credentials apart and do not give them away, for CredentialStatus. */
export function fingerprint(key: Uint8Array, access: Access): string {
  return digest(key, ["fingerprint", ...partsOf(access)])
    .toString("hex")
    .slice(0, 12);
}

// JSON keeps the parts apart: no two lists of texts have one spelling.
function digest(key: Uint8Array, parts: readonly string[]): Buffer {
  return createHmac("sha256", key).update(JSON.stringify(parts)).digest();
}
