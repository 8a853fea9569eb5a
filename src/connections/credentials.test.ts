import { inspect } from "node:util";
import { create } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { type Credential, CredentialKind, CredentialSchema } from "../../gen/availability/v1/credential_pb.ts";
import { Problems } from "../lib/problems.ts";
import { Secret } from "../lib/secret.ts";
import { type Access, credentialStatus, parseCredential, partsOf, sameAccess } from "./credentials.ts";
import { bearerCredential, CLIENT_ID, CLIENT_SECRET, JWT, oauthCredential, TOKEN } from "./test-connections.ts";

function parse(credential: Credential): { access: Access | undefined; said: string[] } {
  const problems = new Problems();
  const access = parseCredential(credential, "c", problems);
  return { access, said: problems.violations.map((v) => `${v.field} ${v.reason}: ${v.description}`) };
}

const jwt = (value: string) => oauthCredential({ grant: { case: "jwt", value } });
const refreshToken = (value: string) => oauthCredential({ grant: { case: "refreshToken", value } });
const clientCredentials = (clientSecret: string) =>
  oauthCredential({ clientSecret, grant: { case: "clientCredentials", value: {} } });

describe("parseCredential()", () => {
  test.each<[string, Credential, readonly string[]]>([
    ["a pasted token", bearerCredential(` Bearer ${TOKEN}\n`), ["bearer_token", TOKEN]],
    ["a JWT", jwt(JWT), ["jwt", CLIENT_ID, CLIENT_SECRET, JWT]],
    ["a refresh token", refreshToken(TOKEN), ["refresh_token", CLIENT_ID, CLIENT_SECRET, TOKEN]],
    ["client credentials", clientCredentials(CLIENT_SECRET), ["client_credentials", CLIENT_ID, CLIENT_SECRET, ""]],
    ["a public client", oauthCredential({ clientSecret: " " }), ["jwt", CLIENT_ID, "", JWT]],
    [
      "white space around everything",
      oauthCredential({
        clientId: ` ${CLIENT_ID}\n`,
        clientSecret: `\t${CLIENT_SECRET} `,
        grant: jwtIn(` ${JWT}\r\n`),
      }),
      ["jwt", CLIENT_ID, CLIENT_SECRET, JWT],
    ],
    [
      "a client id of 255 with a blank",
      oauthCredential({ clientId: longId(255) }),
      ["jwt", longId(255), CLIENT_SECRET, JWT],
    ],
    [
      "a refresh token of 8192",
      refreshToken("r".repeat(8192)),
      ["refresh_token", CLIENT_ID, CLIENT_SECRET, "r".repeat(8192)],
    ],
  ])("takes %s", (_, credential, parts) => {
    const { access, said } = parse(credential);
    expect(said).toEqual([]);
    expect(partsOf(access!)).toEqual(parts);
  });

  test.each<[string, Credential, string[]]>([
    ["no kind", create(CredentialSchema), ["c REQUIRED: is empty, expected one of bearer_token, oauth"]],
    [
      "an OAuth client without anything",
      create(CredentialSchema, { kind: { case: "oauth", value: {} } }),
      [
        "c.oauth.client_id REQUIRED: is empty, expected the client id of the app",
        "c.oauth REQUIRED: has no grant, expected one of jwt, refresh_token, client_credentials",
      ],
    ],
    [
      "everything wrong at once",
      oauthCredential({ clientId: "é", clientSecret: "a b", grant: { case: "refreshToken", value: "\u00a0" } }),
      [
        "c.oauth.client_id INVALID_FORMAT: has 1 characters, expected 1 to 255 printable ASCII characters",
        "c.oauth.client_secret INVALID_FORMAT: has white space, control or non-ASCII characters inside, expected the client secret of the app",
        "c.oauth.refresh_token REQUIRED: is empty, expected a refresh token",
      ],
    ],
    [
      "a client id of 256",
      oauthCredential({ clientId: longId(256) }),
      ["c.oauth.client_id INVALID_FORMAT: has 256 characters, expected 1 to 255 printable ASCII characters"],
    ],
    [
      "a secret of 8193",
      oauthCredential({ clientSecret: "s".repeat(8193) }),
      ["c.oauth.client_secret TOO_LONG: is 8193 bytes long, expected at most 8192"],
    ],
    [
      "client credentials of a public client",
      clientCredentials(""),
      ["c.oauth.client_secret REQUIRED: is empty, expected the client secret of the app"],
    ],
    ["no JWT", jwt(""), ["c.oauth.jwt REQUIRED: is empty, expected a JWT credential"]],
    [
      "a JWT of two parts",
      jwt("a.b"),
      ["c.oauth.jwt INVALID_FORMAT: has 2 parts, expected three base64url parts joined by dots"],
    ],
    [
      "a JWT of four parts",
      jwt("a.b.c.d"),
      ["c.oauth.jwt INVALID_FORMAT: has 4 parts, expected three base64url parts joined by dots"],
    ],
    [
      "a JWT with an empty part",
      jwt("a..c"),
      ["c.oauth.jwt INVALID_FORMAT: has other characters in its parts, expected three base64url parts joined by dots"],
    ],
    [
      "a JWT in base64",
      jwt("a+b.c/d.e="),
      ["c.oauth.jwt INVALID_FORMAT: has other characters in its parts, expected three base64url parts joined by dots"],
    ],
  ])("refuses %s", (_, credential, expected) => {
    expect(parse(credential)).toEqual({ access: undefined, said: expected });
  });

  test("repeats no secret, and no client id, in what it says and prints", () => {
    const hush = "hush-hush";
    for (const spoiler of ["\n", "é", " "]) {
      const text = `${hush}${spoiler}${hush}`;
      for (const credential of [
        oauthCredential({ clientId: `${text}é`, clientSecret: text, grant: jwtIn(text) }),
        refreshToken(text),
        bearerCredential(text),
      ]) {
        expect(parse(credential).said.join()).not.toContain(hush);
      }
    }
    const { access } = parse(oauthCredential());
    const printed = inspect(access, { depth: 9, showHidden: true }) + JSON.stringify(access);
    for (const secret of [CLIENT_SECRET, JWT]) expect(printed).not.toContain(secret);
  });
});

describe("sameAccess()", () => {
  const client = (fields: object = {}): Access => ({
    kind: "jwt",
    clientId: "a",
    clientSecret: new Secret("b"),
    grant: new Secret("c"),
    ...fields,
  });

  test("tells every part apart, and where one ends", () => {
    expect(sameAccess(client(), client())).toBe(true);
    const others: Access[] = [
      client({ kind: "refresh_token" }),
      client({ clientId: "ab", clientSecret: new Secret("") }),
      client({ clientSecret: new Secret("x") }),
      client({ grant: undefined }),
      { kind: "bearer_token", token: new Secret("c") },
    ];
    for (const other of others) expect(sameAccess(client(), other)).toBe(false);
  });

  test.each([
    ["bearer_token", bearerCredential(TOKEN), CredentialKind.BEARER_TOKEN],
    ["jwt", jwt(JWT), CredentialKind.JWT],
    ["refresh_token", refreshToken("r"), CredentialKind.REFRESH_TOKEN],
    ["client_credentials", clientCredentials("s"), CredentialKind.CLIENT_CREDENTIALS],
  ])("credentialStatus() shows no more of %s than kind and fingerprint", (_, credential, kind) => {
    const status = credentialStatus(parse(credential).access!, "0123456789ab");
    expect(status).toMatchObject({ kind, fingerprint: "0123456789ab" });
    expect([status.expiresAt, status.refreshExpiresAt]).toEqual([undefined, undefined]);
  });
});

function jwtIn(value: string) {
  return { case: "jwt", value } as const;
}

function longId(length: number): string {
  return `a ${"b".repeat(length - 2)}`;
}
