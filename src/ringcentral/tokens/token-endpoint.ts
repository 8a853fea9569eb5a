import type { OAuthAccess } from "../../connections/credentials.ts";
import type { Clock } from "../../lib/clock.ts";
import type { Secret } from "../../lib/secret.ts";
import { conceal } from "../../upstream/conceal.ts";
import type { UpstreamFailure } from "../../upstream/failure.ts";
import type { HttpClient, HttpRequest, HttpResult } from "../../upstream/http-client.ts";
import { type RateLimit, readRateLimit } from "../../upstream/rate-limit.ts";
import { type Issued, parseIssued } from "./token-answer.ts";
import { tokenFailure, tokenFailureOf, withoutTokenAnswer } from "./token-errors.ts";

/** Where the token endpoint is below a server's origin. */
export const TOKEN_PATH = "/restapi/oauth/token";

const JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer";
// A token is asked for in nobody's name, so no caller's deadline bounds it.
const TIMEOUT_MS = 10_000;

/** What a token is asked for with. */
export type Grant =
  | { readonly kind: "jwt" | "refresh_token"; readonly secret: Secret }
  | { readonly kind: "client_credentials" };

/** The usage group that token calls share with those for WebSocket tokens: five a minute as a rule. */
export interface AuthBudget {
  /** Why no call may be sent now, and until when (Unix milliseconds); undefined when one may. */
  blocked(now: number): { readonly failure: UpstreamFailure; readonly until: number } | undefined;
  /** A call is being sent. */
  spend(now: number): void;
  /** A call ended; `state` is what its answer said of the group, where it did. */
  observe(state: RateLimit | undefined, now: number): void;
  /** RingCentral refused a call of the group (429); what is left to wait is in the failure, else a minute. */
  limited(failure: UpstreamFailure, now: number): void;
}

/** A token, or why there is none; `until` is given where nothing was sent, and says when it may be. */
export type TokenResult =
  | { readonly ok: true; readonly issued: Issued }
  | {
      readonly ok: false;
      readonly failure: UpstreamFailure;
      readonly grantRefused: boolean;
      readonly until?: number | undefined;
    };

/** Asks once. It never rejects. */
export type AskForToken = (grant: Grant) => Promise<TokenResult>;

/** The token endpoint of one server as one app calls it. */
export function createTokenEndpoint(deps: {
  http: Pick<HttpClient, "send">;
  clock: Clock;
  origin: string;
  access: Pick<OAuthAccess, "clientId" | "clientSecret">;
  budget: AuthBudget;
}): AskForToken {
  const { http, clock, origin, access, budget } = deps;
  return async (grant) => {
    const blocked = budget.blocked(clock.now());
    if (blocked) return { ok: false, grantRefused: false, ...blocked };
    const timeUp = new AbortController();
    const cancel = clock.after(TIMEOUT_MS, () => timeUp.abort());
    const request = tokenRequest(origin, access, grant, clock);
    const came = await http.send(request, {
      timeUp: timeUp.signal,
      onSent: (sentAt) => budget.spend(sentAt),
    });
    cancel();
    const now = clock.now();
    const result = read(came, grant, request.secrets, now);
    const limited = !result.ok && result.failure.reason === "UPSTREAM_RATE_LIMITED";
    // Where RingCentral says how long to wait, that holds, not what its counters would lead one to think.
    budget.observe(came.kind === "response" && !limited ? readRateLimit(came.headers) : undefined, now);
    if (limited) budget.limited(result.failure, now);
    return result;
  };
}

function tokenRequest(
  origin: string,
  { clientId, clientSecret }: Pick<OAuthAccess, "clientId" | "clientSecret">,
  grant: Grant,
  clock: Pick<Clock, "now">,
): HttpRequest {
  const form = new URLSearchParams();
  const headers: [string, string][] = [["Accept", "application/json"]];
  const secrets: string[] = [];
  if (clientSecret) {
    const basic = Buffer.from(`${clientId}:${clientSecret.reveal()}`).toString("base64");
    headers.push(["Authorization", `Basic ${basic}`]);
    secrets.push(basic, clientSecret.reveal());
  } else form.set("client_id", clientId);
  if (grant.kind !== "client_credentials") secrets.push(grant.secret.reveal());
  switch (grant.kind) {
    case "jwt":
      form.set("grant_type", JWT_BEARER);
      form.set("assertion", grant.secret.reveal());
      break;
    case "refresh_token":
      form.set("grant_type", "refresh_token");
      form.set("refresh_token", grant.secret.reveal());
      break;
    case "client_credentials":
      form.set("grant_type", "client_credentials");
  }
  return {
    method: "POST",
    url: `${origin}${TOKEN_PATH}`,
    headers,
    body: { type: "application/x-www-form-urlencoded", text: form.toString() },
    secrets,
    secretAnswer: true,
    route: TOKEN_PATH,
    judge(answer) {
      const result = read({ ...answer, attempts: 1 }, grant, secrets, clock.now());
      return result.ok ? "OK" : result.failure.reason;
    },
  };
}

function read(came: HttpResult, grant: Grant, secrets: readonly string[], now: number): TokenResult {
  if (came.kind !== "response") return { ok: false, failure: withoutTokenAnswer(came), grantRefused: false };
  const body = came.secretBody?.reveal() ?? "";
  if (came.status === 200) {
    const issued = parseIssued(body, came.sentAt);
    if (!("problem" in issued)) return { ok: true, issued };
    return {
      ok: false,
      failure: tokenFailure("UPSTREAM_BAD_RESPONSE", issued.problem, came.status),
      grantRefused: false,
    };
  }
  const answer = { status: came.status, headers: came.headers, bodyText: conceal(body, secrets) };
  // Of a public app without a grant there is no secret; then the name of what is hidden hides nothing.
  return { ok: false, ...tokenFailureOf(answer, { grant: grant.kind, hide: secrets[0] ?? "[token]", now }) };
}
