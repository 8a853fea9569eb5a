import type { UpstreamReason } from "../../lib/reasons.ts";
import { requestIdOf } from "../../upstream/attempt-span.ts";
import type { UpstreamFailure } from "../../upstream/failure.ts";
import { retryAfterMs } from "../../upstream/retry-after.ts";
import { type ErrorBody, readErrorBody } from "./error-body.ts";

/** An answer as far as it matters here; header names in lower case. */
export interface ErrorAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly bodyText: string;
}

/**
 * What an answer other than 200 means. `action` begins the sentence, for example `read queue presence`;
 * `hide` is the token, should the server repeat it.
 */
export function failureOf(
  answer: ErrorAnswer,
  context: { action: string; hide: string; now: number },
): UpstreamFailure {
  const { status, headers } = answer;
  const body = readErrorBody(answer.bodyText, context.hide);
  const { reason, scope, state } = meaningOf(status, body);
  const waits = reason === "UPSTREAM_RATE_LIMITED" || reason === "UPSTREAM_UNAVAILABLE";
  const code = body.codes[0] ? ` ${body.codes[0]}` : "";
  const words = body.words ? `, "${body.words}"` : "";
  return {
    reason,
    scope,
    message: `Cannot ${context.action}: ${state} (HTTP ${status}${code}${words})`,
    status,
    retryAfterMs: waits ? retryAfterMs(headers["retry-after"], context.now) : undefined,
    rcRequestId: requestIdOf(headers),
  };
}

type Meaning = { reason: UpstreamReason; scope: UpstreamFailure["scope"]; state: string };

function meaningOf(status: number, body: ErrorBody): Meaning {
  if (status === 401) return { reason: "UPSTREAM_UNAUTHENTICATED", scope: "connection", state: tokenTrouble(body) };
  if (status === 403)
    return { reason: "UPSTREAM_PERMISSION_DENIED", scope: "question", state: permissionTrouble(body) };
  if (status === 404 || (status === 400 && namesWhatIsMissing(body))) {
    return { reason: "UPSTREAM_NOT_FOUND", scope: "question", state: missing(body) };
  }
  if (status === 429) return { reason: "UPSTREAM_RATE_LIMITED", scope: "budget", state: limitTrouble(body) };
  if (status >= 500 && status <= 599) {
    return { reason: "UPSTREAM_UNAVAILABLE", scope: "connection", state: serverTrouble(body) };
  }
  return { reason: "UPSTREAM_BAD_RESPONSE", scope: "question", state: "RingCentral's answer is not understood" };
}

/** The state that belongs to the first code that is known, the codes being the most telling first. */
function known(body: ErrorBody, states: Readonly<Record<string, string>>, otherwise: string): string {
  for (const code of body.codes) if (Object.hasOwn(states, code)) return states[code]!;
  return otherwise;
}

function tokenTrouble(body: ErrorBody): string {
  const expired = "the access token has expired";
  const unknown = "the access token is not known any more, because it was revoked, replaced or has expired";
  const unparsable = "the access token cannot be parsed as one of RingCentral's";
  const absent = "RingCentral saw no access token";
  const states = {
    "OAU-128": expired,
    TokenExpired: expired,
    "OAU-213": unknown,
    "OAU-129": unparsable,
    "OAU-149": unparsable,
    "AGW-402": unparsable,
    "AGW-401": absent,
    "OAU-123": absent,
    "OAU-151": "RingCentral does not support this way of authorization",
    "CMN-405": "the access token is of no user who is logged in to an extension",
    TokenInvalid: "the access token is not valid",
  };
  return known(body, states, "RingCentral refuses the access token");
}

function permissionTrouble(body: ErrorBody): string {
  const permission = body.permission ? `the permission "${body.permission}"` : "a permission";
  const app = `the RingCentral app of the access token lacks ${permission}`;
  const states = {
    "CMN-401": app,
    "CMN-408": `the user of the access token lacks ${permission}`,
    "CMN-402": "the user of the access token is no administrator",
    "CMN-403": "this is not available for an extension of this type",
    "CMN-404": "the access token may not see another extension",
    "CMN-109": "the feature is not available for this account",
    InsufficientPermissions: app,
  };
  return known(
    body,
    states,
    body.permission ? `the access token lacks ${permission}` : "RingCentral denies permission",
  );
}

/** Unknown queues are documented with both statuses. */
function namesWhatIsMissing(body: ErrorBody): boolean {
  return body.codes.includes("CMN-102") || /^(groupId|accountId)$/.test(body.parameter ?? namedIn(body.words) ?? "");
}

function missing(body: ErrorBody): string {
  const parameter = body.parameter ?? namedIn(body.words);
  if (parameter === "groupId") return "RingCentral knows no such queue";
  if (parameter === "accountId") return "RingCentral knows no such account";
  return "RingCentral knows no such queue or account";
}

function namedIn(words: string | undefined): string | undefined {
  return /\[(groupId|accountId)\]/.exec(words ?? "")?.[1];
}

function limitTrouble(body: ErrorBody): string {
  return known(
    body,
    {
      "CMN-304": "RingCentral refuses a second request like this at the same time",
      "CMN-310": "the global request rate is exceeded",
    },
    "the request rate is exceeded",
  );
}

function serverTrouble(body: ErrorBody): string {
  const maintenance = "RingCentral is under maintenance";
  return known(body, { "CMN-211": maintenance, MaintenanceMode: maintenance }, "RingCentral is unavailable");
}
