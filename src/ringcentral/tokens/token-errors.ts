import type { UpstreamReason } from "../../lib/reasons.ts";
import { requestIdOf } from "../../upstream/attempt-span.ts";
import type { UpstreamFailure } from "../../upstream/failure.ts";
import type { HttpResult } from "../../upstream/http-client.ts";
import { retryAfterMs } from "../../upstream/retry-after.ts";
import { meaningOf as meaningOfTransport } from "../../upstream/transport-error.ts";
import { type ErrorBody, readErrorBody } from "../calls/error-body.ts";
import type { ErrorAnswer } from "../calls/errors.ts";

export type GrantKind = "jwt" | "refresh_token" | "client_credentials";

const ACTION = "get an access token";

/** Why there is no token, and whether it is the grant that is refused, so that another one of the same app might do. */
export interface TokenFailure {
  readonly failure: UpstreamFailure;
  readonly grantRefused: boolean;
}

/**
 * What an answer of the token endpoint other than 200 means, in words that say what to do. Its body has to be without the
 * secrets that were sent; `hide` is one of them. Everything here is the whole connection's trouble.
 * https://developers.ringcentral.com/guide/basics/errors
 */
export function tokenFailureOf(
  answer: ErrorAnswer,
  { grant, hide, now }: { grant: GrantKind; hide: string; now: number },
): TokenFailure {
  const { status, headers } = answer;
  const body = readErrorBody(answer.bodyText, hide);
  const { reason, state } = meaningOf(status, body, grant);
  const waits = reason === "UPSTREAM_RATE_LIMITED" || reason === "UPSTREAM_UNAVAILABLE";
  const code = body.codes[0] ? ` ${body.codes[0]}` : "";
  const words = body.words ? `, "${body.words}"` : "";
  return {
    failure: {
      reason,
      scope: "connection",
      message: `Cannot ${ACTION}: ${state} (HTTP ${status}${code}${words})`,
      status,
      retryAfterMs: waits ? retryAfterMs(headers["retry-after"], now) : undefined,
      rcRequestId: requestIdOf(headers),
    },
    grantRefused: reason === "UPSTREAM_UNAUTHENTICATED" && !body.codes.some((name) => Object.hasOwn(CLIENT, name)),
  };
}

/** What it means that no whole answer came. */
export function withoutTokenAnswer(came: Exclude<HttpResult, { kind: "response" }>): UpstreamFailure {
  switch (came.kind) {
    case "failed": {
      const { reason } = meaningOfTransport(came.error.kind);
      return tokenFailure(reason, came.error.state);
    }
    case "timeout":
      return tokenFailure("UPSTREAM_TIMEOUT", "no whole answer came in time");
    case "stopped":
      return tokenFailure("UPSTREAM_UNAVAILABLE", "the service is stopping");
  }
}

/** A failure that is not an answer's; `state` is the last part of its sentence. */
export function tokenFailure(reason: UpstreamReason, state: string, status?: number): UpstreamFailure {
  return { reason, scope: "connection", message: `Cannot ${ACTION}: ${state}`, status };
}

const WRONG_SECRET = "the client id and the client secret do not belong together";
const NO_SECRET = "RingCentral wants the app's client secret";

/** The app is refused, whatever it presents. */
const CLIENT: Readonly<Record<string, string>> = {
  "OAU-153": "RingCentral knows no app of this client id",
  "OAU-123": NO_SECRET,
  "OAU-146": WRONG_SECRET,
  "OAU-165": "the app is for the sandbox alone; use one for production",
  invalid_client: WRONG_SECRET,
};

const LOCKED = "the account is locked after too many failed logons; wait, or have it unlocked";

/** The user or the account is refused. */
const USER: Readonly<Record<string, string>> = {
  "OAU-147": LOCKED,
  "OAU-148": LOCKED,
  "OAU-222": "RingCentral knows no such account",
  "OAU-232": "RingCentral knows no such extension",
  "OAU-236": "the extension is disabled or frozen",
};

const REFUSED: Record<GrantKind, string> = {
  jwt: "RingCentral refuses the JWT credential, which has expired, was revoked, or is for other apps; configure a new one",
  refresh_token: "the refresh token has expired, was used up or revoked; configure a new refresh token",
  client_credentials: "RingCentral refuses the client credentials",
};

const NOT_ALLOWED: Record<GrantKind, string> = {
  jwt: "the app may not use JWT credentials; allow the JWT auth flow in its settings",
  refresh_token: "the app may not use refresh tokens; let it issue them in its settings",
  client_credentials: "RingCentral grants client credentials to few apps; use a JWT credential instead",
};

function meaningOf(status: number, body: ErrorBody, grant: GrantKind): { reason: UpstreamReason; state: string } {
  if (status === 429) return { reason: "UPSTREAM_RATE_LIMITED", state: "the request rate is exceeded" };
  if (status >= 500 && status <= 599) return { reason: "UPSTREAM_UNAVAILABLE", state: "RingCentral is unavailable" };
  // Without a code it is not RingCentral who speaks.
  if ((status !== 400 && status !== 401 && status !== 403) || body.codes.length === 0)
    return { reason: "UPSTREAM_BAD_RESPONSE", state: "RingCentral's answer is not understood" };
  const states: Readonly<Record<string, string>> = {
    ...CLIENT,
    ...USER,
    "OAU-210": REFUSED[grant],
    "OAU-213": REFUSED[grant],
    invalid_grant: REFUSED[grant],
    "OAU-250": NOT_ALLOWED[grant],
    "OAU-251": NOT_ALLOWED[grant],
    unauthorized_client: NOT_ALLOWED[grant],
    unsupported_grant_type: NOT_ALLOWED[grant],
  };
  const known = body.codes.find((code) => Object.hasOwn(states, code));
  return { reason: "UPSTREAM_UNAUTHENTICATED", state: known ? states[known]! : "RingCentral refuses the credential" };
}
