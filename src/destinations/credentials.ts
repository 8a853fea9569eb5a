import { type Credential, CredentialKind } from "../../gen/availability/v1/credential_pb.ts";
import type { Secret } from "../lib/secret.ts";
import { normaliseBearerToken } from "../templates/ringcentral.ts";
import type { Problems } from "./problems.ts";

/** Access is a credential as it is used: parsed, its secrets printing as `[secret]`. */
export interface Access {
  readonly kind: "bearer_token";
  readonly token: Secret;
}

/** The kind that CredentialStatus shows. */
export function credentialKind(access: Access): CredentialKind {
  const kinds: Record<Access["kind"], CredentialKind> = { bearer_token: CredentialKind.BEARER_TOKEN };
  return kinds[access.kind];
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
      problems.unsupported(`${field}.oauth`, { expected: "bearer_token" });
      return undefined;
    case undefined:
      problems.add(field, "REQUIRED", "is empty, expected bearer_token");
      return undefined;
  }
}

/** Whether two credentials are the same, secrets included. */
export function sameAccess(a: Access, b: Access): boolean {
  return a.kind === b.kind && a.token.reveal() === b.token.reveal();
}
