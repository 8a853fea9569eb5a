import { isSealedWithFirst, type Keyring, type Sealed, SealingError } from "../lib/sealing.ts";
import { Secret } from "../lib/secret.ts";
import type { Access, OAuthAccess } from "./credentials.ts";

/** A credential as it is stored: sealed for its place and for the origin it was given for; it opens nowhere else. */
export interface SealedAccess {
  readonly kind: Access["kind"];
  readonly sealed: Sealed;
  readonly origin: string;
}

const KINDS: readonly string[] = [
  "bearer_token",
  "jwt",
  "refresh_token",
  "client_credentials",
] satisfies Access["kind"][];

/** Seals a credential; `place` is the path of what it belongs to, for example "connections/main credential". */
export function sealAccess(access: Access, place: string, origin: string, keyring: Keyring): SealedAccess {
  const { kind } = access;
  return { kind, sealed: keyring.seal(new Secret(textOf(access)), contextOf(kind, place, origin)), origin };
}

/** Opens what sealAccess() sealed; throws SealingError. */
export function openAccess({ kind, sealed, origin }: SealedAccess, place: string, keyring: Keyring): Access {
  const text = keyring.open(sealed, contextOf(kind, place, origin));
  if (kind === "bearer_token") return { kind, token: text };
  const parts: Record<string, unknown> = Object(JSON.parse(text.reveal()));
  const { client_id: clientId } = parts;
  if (parts.kind !== kind || typeof clientId !== "string") {
    throw new SealingError("MALFORMED", undefined, "it is a credential of another kind");
  }
  const secret = (part: unknown) => (typeof part === "string" ? new Secret(part) : undefined);
  return { kind, clientId, clientSecret: secret(parts.client_secret), grant: secret(parts.grant) };
}

/** The same, undefined when it does not open. With `mustHaveKey`, a key that is not given throws nevertheless. */
export function openIfPossible(
  sealed: SealedAccess | undefined,
  place: string,
  keyring: Keyring,
  { mustHaveKey = false } = {},
): Access | undefined {
  if (!sealed) return undefined;
  try {
    return openAccess(sealed, place, keyring);
  } catch (error) {
    if (!(error instanceof SealingError) || (mustHaveKey && error.reason === "UNKNOWN_KEY")) throw error;
    return undefined;
  }
}

/** The same credential sealed with the first key; undefined when it is so already, or does not open. */
export function resealAccess<S extends SealedAccess>(sealed: S, place: string, keyring: Keyring): S | undefined {
  if (isSealedWithFirst(sealed.sealed, keyring)) return undefined;
  const access = openIfPossible(sealed, place, keyring);
  return access && { ...sealed, ...sealAccess(access, place, sealed.origin, keyring) };
}

/** Reads a stored credential; throws an Error that says what is wrong. */
export function parseSealedAccess(json: unknown): SealedAccess {
  const { kind, sealed, origin } = Object(json) as Record<string, unknown>;
  if (!KINDS.includes(String(kind))) {
    throw new Error(`its credential is of the kind ${String(kind)}, expected one of ${KINDS.join(", ")}`);
  }
  if (typeof sealed !== "string" || typeof origin !== "string") throw new Error("its credential is not whole");
  return { kind: kind as Access["kind"], sealed, origin };
}

function textOf(access: Access): string {
  if (access.kind === "bearer_token") return access.token.reveal();
  const { kind, clientId, clientSecret, grant }: OAuthAccess = access;
  return JSON.stringify({ kind, client_id: clientId, client_secret: clientSecret?.reveal(), grant: grant?.reveal() });
}

/** What it is sealed for. A token and a client never open as each other: one is sent, the other never is. */
function contextOf(kind: Access["kind"], place: string, origin: string): string {
  return kind === "bearer_token" ? `${place} ${origin}` : `${place} ${origin} oauth`;
}
