import type { Admission, Call } from "./call.ts";
import { ACCESS_TTL, callerName, type OAuth, REFRESH_TTL } from "./oauth.ts";
import { type OAuthApp, words } from "./oauth-apps.ts";
import * as errors from "./oauth-errors.ts";
import { platformReply, type Reply } from "./reply.ts";
import type { Session } from "./sessions.ts";
import type { Switches } from "./switches.ts";

const JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const FORM = "application/x-www-form-urlencoded";

interface Deps {
  readonly oauth: OAuth;
  readonly switches: Switches;
  readonly now: () => number;
}

/** Finds out which app asks and for which user; nothing changes yet. */
export function admitClient(call: Pick<Call, "headers" | "body">, { oauth }: Deps): Admission {
  if (!call.headers["content-type"]?.startsWith(FORM)) {
    return { refusal: { status: 415, headers: { Server: "nginx" }, body: "" } };
  }
  const form = new URLSearchParams(call.body);
  const { clientId, clientSecret } = clientOf(call.headers.authorization, form);
  if (!clientId) return { refusal: errors.oauthError(errors.NO_CLIENT) };
  const app = oauth.apps.get(clientId);
  if (!app) return { refusal: errors.oauthError(errors.unknownClient(clientId)) };
  if (app.clientSecret !== clientSecret) return { refusal: errors.oauthError(errors.WRONG_SECRET) };
  const token = form.get("refresh_token") ?? form.get("token") ?? "";
  const session = oauth.sessions.ofRefreshToken(token)?.session ?? oauth.sessions.of(token);
  const ownerId = app.jwts.get(form.get("assertion") ?? "")?.ownerId ?? session?.ownerId ?? app.ownerId;
  return { identity: { caller: callerName(ownerId, clientId), ownerId, clientId, scope: app.scope } };
}

/** POST /restapi/oauth/token. */
export function tokenReply(call: Call, deps: Deps): Reply {
  const { oauth, switches, now } = deps;
  const form = new URLSearchParams(call.body);
  const app = oauth.app(call.identity.clientId);
  const refuse = (error: errors.OAuthError) => errors.oauthError(error, call.limitHeaders);
  switch (form.get("grant_type")) {
    case JWT_BEARER: {
      const assertion = form.get("assertion");
      if (!assertion) return refuse(errors.missingParameter("assertion"));
      const jwt = app.jwts.get(assertion);
      if (!jwt) return refuse(errors.TOKEN_NOT_FOUND);
      if (jwt.expiresAt <= now()) return refuse(errors.TOKEN_EXPIRED);
      return issued(open(app, jwt.ownerId, form, oauth), now(), call.limitHeaders);
    }
    case "refresh_token": {
      const refreshToken = form.get("refresh_token");
      if (!refreshToken) return refuse(errors.missingParameter("refresh_token"));
      const found = oauth.sessions.ofRefreshToken(refreshToken);
      if (found?.session.clientId !== app.clientId) return refuse(errors.TOKEN_NOT_FOUND);
      const session = oauth.sessions.rotate(refreshToken);
      return session ? issued(session, now(), call.limitHeaders) : refuse(errors.TOKEN_EXPIRED);
    }
    case "client_credentials":
      if (switches.clientCredentials === "granted")
        return issued(open(app, app.ownerId, form, oauth), now(), call.limitHeaders);
      return refuse(switches.clientCredentials === "OAU-250" ? errors.GRANT_UNKNOWN : errors.GRANT_NOT_ALLOWED);
    // No more to be had since 2024.
    case "password":
      return refuse(errors.GRANT_NOT_ALLOWED);
    default:
      return refuse(errors.GRANT_UNKNOWN);
  }
}

/** POST /restapi/oauth/revoke; a token that is not known is no error. */
export function revokeReply(call: Call, { oauth }: Deps): Reply {
  const token = new URLSearchParams(call.body).get("token");
  if (token) oauth.revoke(token);
  return { ...platformReply(200, {}, { headers: call.limitHeaders }), body: "" };
}

function clientOf(authorization: string | undefined, form: URLSearchParams) {
  if (authorization === undefined) {
    return { clientId: form.get("client_id"), clientSecret: form.get("client_secret") ?? undefined };
  }
  const basic = /^basic ([\w+/=-]+)$/i.exec(authorization)?.[1] ?? "";
  const [, clientId, clientSecret] = /^([^:]*):(.*)$/s.exec(Buffer.from(basic, "base64").toString()) ?? [];
  return { clientId, clientSecret };
}

function open(app: OAuthApp, ownerId: string, form: URLSearchParams, oauth: OAuth): Session {
  const asked = words(form.get("scope") ?? "");
  return oauth.sessions.open({
    clientId: app.clientId,
    ownerId,
    scope: asked.length > 0 ? app.scope.filter((name) => asked.includes(name)) : app.scope,
    endpointId: form.get("endpoint_id") ?? undefined,
    accessTtl: accessTtl(form.get("access_token_ttl")),
    refreshTtl: app.issueRefreshTokens ? refreshTtl(form.get("refresh_token_ttl")) : undefined,
  });
}

// 600 to 3600 seconds: under it the least, over it the usual.
function accessTtl(asked: string | null): number {
  const ttl = Number(asked ?? ACCESS_TTL);
  return ttl <= ACCESS_TTL ? Math.max(ttl, 600) : ACCESS_TTL;
}

function refreshTtl(asked: string | null): number {
  const ttl = Number(asked ?? REFRESH_TTL);
  return ttl > 0 ? Math.min(ttl, 2_592_000) : REFRESH_TTL;
}

function issued(
  { access, refresh, scope, ownerId, endpointId, id }: Session,
  now: number,
  headers: Record<string, string>,
) {
  const seconds = (until: number) => Math.max(0, Math.ceil((until - now) / 1000));
  const document = {
    access_token: access.text,
    token_type: "bearer",
    expires_in: seconds(access.expiresAt),
    ...(refresh && { refresh_token: refresh.text, refresh_token_expires_in: seconds(refresh.expiresAt) }),
    scope: scope.join(" "),
    owner_id: ownerId,
    endpoint_id: endpointId,
    session_id: id,
  };
  return platformReply(200, document, { headers });
}
