import type { Secret } from "../../lib/secret.ts";
import type { UpstreamFailure } from "../../upstream/failure.ts";
import type { Issued } from "./token-answer.ts";
import { tokenFailure } from "./token-errors.ts";

// A read that is sent with the token must still be answered, and clocks differ.
const LEAST_LEFT_MS = 20_000;
const LEAST_LEFT_SHARE = 0.1;
const RENEW_AT = { least: 0.75, most: 0.85 };
// The usage group has five calls a minute, and the token is still good.
const RENEW_AGAIN_MS = 15_000;
// Days are left.
const KEEP_AGAIN_MS = 600_000;
// Where renewing does not prolong it, half of what is left gets less and less.
const SHORTEST_KEPT_MS = 3_600_000;

const GIVEN_AGAIN = tokenFailure("UPSTREAM_BAD_RESPONSE", "RingCentral gives a token again that it refused");
const ENDS_AT_ONCE = tokenFailure("UPSTREAM_BAD_RESPONSE", "RingCentral gives a token that is about to end");

/** How long before its end a refresh token is worth a warning. */
export const WARN_AHEAD_MS = 24 * 3_600_000;

/** When a token that is in use is renewed, Unix milliseconds; `random` from 0 to 1 spreads connections. */
export function renewAt({ issuedAt, expiresAt }: Issued, random: number): number {
  return issuedAt + (expiresAt - issuedAt) * (RENEW_AT.least + random * (RENEW_AT.most - RENEW_AT.least));
}

/** The newest renewal failed at `at`. */
export interface Failed {
  readonly failure: UpstreamFailure;
  readonly at: number;
}

/**
 * When to renew without being asked to, Unix milliseconds; Infinity = never. A token in use is renewed at its time
 * (`inUse`), and again a while after that failed. A refresh token that only a person could replace is renewed at half its
 * life though nobody uses the connection; one that is refused is past renewing.
 */
export function nextRenewal(
  { issuedAt, refreshToken, refreshExpiresAt }: Issued,
  state: { inUse: number | undefined; irreplaceable: boolean; failed: Failed | undefined },
): number {
  const { inUse = Number.POSITIVE_INFINITY, irreplaceable, failed } = state;
  const failedAt = failed?.at ?? Number.NEGATIVE_INFINITY;
  const kept = irreplaceable && refreshToken && failed?.failure.reason !== "UPSTREAM_UNAUTHENTICATED";
  const life = kept && refreshExpiresAt !== undefined ? refreshExpiresAt - issuedAt : 0;
  const half = life > SHORTEST_KEPT_MS ? issuedAt + life / 2 : Number.POSITIVE_INFINITY;
  return Math.min(Math.max(inUse, failedAt + RENEW_AGAIN_MS), Math.max(half, failedAt + KEEP_AGAIN_MS));
}

/** Why an access token is not to be sent; undefined when it may be. */
export function whyUnusable(
  { accessToken, issuedAt, expiresAt }: Issued,
  refused: Pick<RefusedTokens, "has">,
  now: number,
): UpstreamFailure | undefined {
  if (refused.has(accessToken)) return GIVEN_AGAIN;
  return expiresAt - now > Math.min(LEAST_LEFT_MS, LEAST_LEFT_SHARE * (expiresAt - issuedAt))
    ? undefined
    : ENDS_AT_ONCE;
}

/** RefusedTokens remembers the newest tokens that RingCentral refused; it may well give one of them out again. */
export class RefusedTokens {
  readonly #values = new Set<string>();

  add(token: Secret): void {
    this.#values.add(token.reveal());
    const [oldest] = this.#values;
    if (this.#values.size > 16 && oldest !== undefined) this.#values.delete(oldest);
  }

  has(token: Secret): boolean {
    return this.#values.has(token.reveal());
  }
}
