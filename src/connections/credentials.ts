import { create } from "@bufbuild/protobuf";
import {
  type Credential,
  CredentialKind,
  type CredentialStatus,
  CredentialStatusSchema,
} from "../../gen/availability/v1/credential_pb.ts";
import type { Problems } from "../lib/problems.ts";
import type { Secret } from "../lib/secret.ts";
import { normaliseBearerToken } from "../templates/bearer-token.ts";
import { parseOAuthClient } from "./oauth-client.ts";

/** Access is a credential as it is used: parsed, its secrets printing as `[secret]`. */
export type Access = BearerAccess | OAuthAccess;

/** A pasted access token. */
export interface BearerAccess {
  readonly kind: "bearer_token";
  readonly token: Secret;
}

/** An OAuth client that gets and renews its own tokens. */
export interface OAuthAccess {
  readonly kind: "jwt" | "refresh_token" | "client_credentials";
  readonly clientId: string;
  /** Undefined for a public client. */
  readonly clientSecret: Secret | undefined;
  /** The JWT or the first refresh token; undefined for client_credentials. */
  readonly grant: Secret | undefined;
}

const KINDS: Record<Access["kind"], CredentialKind> = {
  bearer_token: CredentialKind.BEARER_TOKEN,
  jwt: CredentialKind.JWT,
  refresh_token: CredentialKind.REFRESH_TOKEN,
  client_credentials: CredentialKind.CLIENT_CREDENTIALS,
};

/** All that is shown of a credential; `fingerprint` tells two apart. */
export function credentialStatus(access: Access, fingerprint: string): CredentialStatus {
  return create(CredentialStatusSchema, { kind: KINDS[access.kind], fingerprint });
}

/** Parses a credential as given to Configure; undefined with violations in `problems`. */
export function parseCredential(credential: Credential, field: string, problems: Problems): Access | undefined {
  switch (credential.kind.case) {
    case "bearerToken": {
      const parsed = normaliseBearerToken(credential.kind.value, `${field}.bearer_token`);
      if ("violations" in parsed) {
        problems.violations.push(...parsed.violations);
        return undefined;
      }
      return { kind: "bearer_token", token: parsed.token };
    }
    case "oauth":
      return parseOAuthClient(credential.kind.value, `${field}.oauth`, problems);
    case undefined:
      problems.add(field, "REQUIRED", "is empty, expected one of bearer_token, oauth");
      return undefined;
  }
}

/** Everything of a credential that tells it from others, secrets included: for comparing and hashing, never for showing. */
export function partsOf(access: Access): readonly string[] {
  if (access.kind === "bearer_token") return [access.kind, access.token.reveal()];
  const { kind, clientId, clientSecret, grant } = access;
  return [kind, clientId, clientSecret?.reveal() ?? "", grant?.reveal() ?? ""];
}

/** Whether two credentials are the same, secrets included. */
export function sameAccess(a: Access, b: Access): boolean {
  return JSON.stringify(partsOf(a)) === JSON.stringify(partsOf(b));
}
