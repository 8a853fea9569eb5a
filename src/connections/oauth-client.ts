import type { OAuthClient } from "../../gen/availability/v1/credential_pb.ts";
import type { Problems } from "../lib/problems.ts";
import type { Secret } from "../lib/secret.ts";
import { normaliseSecret } from "../templates/bearer-token.ts";
import type { OAuthAccess } from "./credentials.ts";

const CLIENT_ID = /^[\x20-\x7e]{1,255}$/;
const JWT = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/;

/** Parses an OAuth client as given to Configure; undefined with every violation in `problems`. */
export function parseOAuthClient(client: OAuthClient, field: string, problems: Problems): OAuthAccess | undefined {
  const before = problems.violations.length;
  const { grant } = client;
  const clientId = client.clientId.trim();
  if (clientId === "") problems.add(`${field}.client_id`, "REQUIRED", "is empty, expected the client id of the app");
  else if (!CLIENT_ID.test(clientId)) {
    // Never quoted: people mix it up with the secret.
    const description = `has ${clientId.length} characters, expected 1 to 255 printable ASCII characters`;
    problems.add(`${field}.client_id`, "INVALID_FORMAT", description);
  }
  // Anybody may claim to be a public client: without a secret this grant would prove nothing.
  const needsSecret = grant.case === "clientCredentials";
  const clientSecret =
    needsSecret || client.clientSecret.trim() !== ""
      ? parseSecret(client.clientSecret, `${field}.client_secret`, "the client secret of the app", problems)
      : undefined;
  const parsed = parseGrant(client, field, problems);
  if (!parsed || problems.violations.length > before) return undefined;
  return { ...parsed, clientId, clientSecret };
}

function parseGrant(
  { grant }: OAuthClient,
  field: string,
  problems: Problems,
): Pick<OAuthAccess, "kind" | "grant"> | undefined {
  switch (grant.case) {
    case "jwt": {
      const jwt = parseSecret(grant.value, `${field}.jwt`, "a JWT credential", problems);
      if (jwt && !JWT.test(jwt.reveal())) {
        const parts = jwt.reveal().split(".").length;
        const given = parts === 3 ? "has other characters in its parts" : `has ${parts} parts`;
        problems.add(`${field}.jwt`, "INVALID_FORMAT", `${given}, expected three base64url parts joined by dots`);
      }
      return { kind: "jwt", grant: jwt };
    }
    case "refreshToken":
      return {
        kind: "refresh_token",
        grant: parseSecret(grant.value, `${field}.refresh_token`, "a refresh token", problems),
      };
    case "clientCredentials":
      return { kind: "client_credentials", grant: undefined };
    case undefined:
      problems.add(field, "REQUIRED", "has no grant, expected one of jwt, refresh_token, client_credentials");
      return undefined;
  }
}

function parseSecret(text: string, field: string, expected: string, problems: Problems): Secret | undefined {
  const parsed = normaliseSecret(text, field, expected);
  if ("token" in parsed) return parsed.token;
  problems.violations.push(...parsed.violations);
  return undefined;
}
