import type { OAuthAccess } from "../../connections/credentials.ts";
import type { Issued } from "./token-answer.ts";
import type { Grant } from "./token-endpoint.ts";

/** What the first token of a credential is asked for with. */
export function configuredGrant({ kind, grant }: OAuthAccess): Grant {
  if (kind === "client_credentials" || !grant) return { kind: "client_credentials" };
  return { kind, secret: grant };
}

/** What the next token is asked for with: the refresh token that came with the last one, if any. */
export function nextGrant(access: OAuthAccess, issued: Issued | undefined, now: number): Grant {
  const { refreshToken, refreshExpiresAt = Number.POSITIVE_INFINITY } = issued ?? {};
  // Only where there is nothing else is one presented that should have ended.
  const ended = refreshExpiresAt <= now && access.kind !== "refresh_token";
  return refreshToken && !ended ? { kind: "refresh_token", secret: refreshToken } : configuredGrant(access);
}

/** A server that does not rotate gives no new refresh token: the one it took stays, and what it does not say again. */
export function continued(issued: Issued, grant: Grant, before: Issued | undefined): Issued {
  if (grant.kind !== "refresh_token") return issued;
  const { scope = before?.scope, ownerId = before?.ownerId, refreshToken } = issued;
  const kept = refreshToken ? {} : { refreshToken: grant.secret, refreshExpiresAt: before?.refreshExpiresAt };
  return { ...issued, scope, ownerId, ...kept };
}

export function sameGrant(a: Grant, b: Grant): boolean {
  const secretOf = (grant: Grant) => (grant.kind === "client_credentials" ? "" : grant.secret.reveal());
  return a.kind === b.kind && secretOf(a) === secretOf(b);
}
