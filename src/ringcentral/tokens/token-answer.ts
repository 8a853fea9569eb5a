import { Secret } from "../../lib/secret.ts";

/** Issued is what the token endpoint gave; times in Unix milliseconds. */
export interface Issued {
  readonly accessToken: Secret;
  /** When it was asked for; its life is counted from then. */
  readonly issuedAt: number;
  readonly expiresAt: number;
  /** Undefined when the app has none: apps are made without "Issue refresh tokens". */
  readonly refreshToken: Secret | undefined;
  readonly refreshExpiresAt: number | undefined;
  /** The app's permissions; undefined when the answer does not say. */
  readonly scope: readonly string[] | undefined;
  /** The extension whose token it is. */
  readonly ownerId: string | undefined;
}

// What goes into a header as it is.
const TOKEN = /^[\x21-\x7e]{1,16384}$/;
const NAME = /^[\x21-\x7e]{1,100}$/;
// RingCentral gives access tokens an hour and refresh tokens 30 days at most; more is cut, so that clocks stay sane.
const LONGEST_ACCESS_SECONDS = 86_400;
const LONGEST_REFRESH_SECONDS = 366 * 86_400;

/**
 * Reads a 200 of the token endpoint, asked at `sentAt`. A problem is what is wrong with it, and repeats nothing of it.
 * https://developers.ringcentral.com/api-reference/Get-Token
 */
export function parseIssued(body: string, sentAt: number): Issued | { readonly problem: string } {
  const fields = parseObject(body);
  if (!fields) return { problem: "its answer is not a JSON object" };
  const { access_token: accessToken, token_type: type = "bearer", expires_in: life } = fields;
  const { refresh_token: refreshToken, refresh_token_expires_in: refreshLife, scope, owner_id: owner } = fields;
  if (!isToken(accessToken)) return { problem: "its answer holds no access token" };
  if (typeof type !== "string" || type.toLowerCase() !== "bearer")
    return { problem: "its access token is not of type bearer" };
  if (!isSeconds(life)) return { problem: "its answer does not say how long the access token lives" };
  if (refreshToken !== undefined && refreshToken !== null && !isToken(refreshToken))
    return { problem: "its refresh token is not one" };
  const names = typeof scope === "string" ? scope.split(/\s+/).filter((name) => NAME.test(name)) : undefined;
  const ownerId = typeof owner === "number" ? `${owner}` : owner;
  return {
    accessToken: new Secret(accessToken),
    issuedAt: sentAt,
    expiresAt: sentAt + Math.min(life, LONGEST_ACCESS_SECONDS) * 1000,
    refreshToken: isToken(refreshToken) ? new Secret(refreshToken) : undefined,
    refreshExpiresAt:
      isToken(refreshToken) && isSeconds(refreshLife)
        ? sentAt + Math.min(refreshLife, LONGEST_REFRESH_SECONDS) * 1000
        : undefined,
    scope: names && [...new Set(names)],
    ownerId: typeof ownerId === "string" && /^\d{1,20}$/.test(ownerId) ? ownerId : undefined,
  };
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

function isToken(value: unknown): value is string {
  return typeof value === "string" && TOKEN.test(value);
}

function isSeconds(value: unknown): value is number {
  return typeof value === "number" && value >= 0;
}
