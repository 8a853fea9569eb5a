import type { UpstreamReason } from "../lib/reasons.ts";
import { log } from "./log.ts";
import { instrument } from "./meter.ts";

const tokenRenewals = instrument((meter) =>
  meter.createCounter("availability.token.renewals", {
    description: "Access tokens asked for, by kind of credential and outcome",
  }),
);
const tokensHeld = new Set<HeldToken>();
const tokenExpiry = instrument((meter) => {
  const gauge = meter.createObservableGauge("availability.token.expires_in", {
    description: "Time until the first access or refresh token of a kind of credential ends; 0 = none lives",
    unit: "s",
  });
  // What is not observed again would keep its last value.
  const told = new Map<string, { credential: string; token: string }>();
  gauge.addCallback((result) => {
    const first = firstToEnd(tokensHeld);
    for (const [name, { attributes }] of first) told.set(name, attributes);
    for (const [name, attributes] of told) result.observe(first.get(name)?.seconds ?? 0, attributes);
  });
  return gauge;
});
/** A connection's token, as it is watched; both functions answer seconds, undefined when not known. */
export interface HeldToken {
  readonly credential: string;
  readonly accessEndsIn: () => number | undefined;
  readonly refreshEndsIn: () => number | undefined;
}

/** A connection has tokens that end; call the returned function when it has none any more. */
export function tokenHeld(token: HeldToken): () => void {
  tokensHeld.add(token);
  tokenExpiry();
  return () => void tokensHeld.delete(token);
}

/** What ended does not count: nobody may have needed it, and who did has a failed renewal to show. */
function firstToEnd(tokens: Iterable<HeldToken>) {
  const first = new Map<string, { attributes: { credential: string; token: string }; seconds: number }>();
  for (const { credential, accessEndsIn, refreshEndsIn } of tokens) {
    for (const [token, seconds = 0] of [
      ["access", accessEndsIn()],
      ["refresh", refreshEndsIn()],
    ] as const) {
      const name = `${credential} ${token}`;
      const sooner = seconds > 0 && seconds < (first.get(name)?.seconds ?? Number.POSITIVE_INFINITY);
      if (sooner) first.set(name, { attributes: { credential, token }, seconds });
    }
  }
  return first;
}

/** There is a new access token. Times in Unix milliseconds. */
export function tokenRenewed(e: {
  connection: string;
  credential: string;
  grant: string;
  expiresAt: number;
  refreshExpiresAt: number | undefined;
}): void {
  tokenRenewals().add(1, { credential: e.credential, outcome: "OK" });
  log.info({ ...e, expiresAt: toIso(e.expiresAt), refreshExpiresAt: toIso(e.refreshExpiresAt) }, "token renewed");
}

/** There is no new access token; it is not asked for again until `until`, Unix milliseconds. */
export function tokenRenewalFailed(e: {
  connection: string;
  credential: string;
  /** Undefined when it was not asked for. */
  grant: string | undefined;
  reason: UpstreamReason;
  message: string;
  until: number;
}): void {
  tokenRenewals().add(1, { credential: e.credential, outcome: e.reason });
  log.warn({ ...e, until: toIso(e.until) }, "token renewal failed");
}

/** A refresh token that only a person can replace ends soon; renewing did not prolong it. */
export function refreshTokenEnding(e: { connection: string; endsAt: number }): void {
  log.warn({ ...e, endsAt: toIso(e.endsAt) }, "refresh token ends soon: configure a new one");
}

/** A token cannot be loaded, or saved: then a restart may need a new credential. */
export function tokenStoreTrouble(e: { connection: string; action: "load" | "save"; message: string }): void {
  log.error(e, e.action === "save" ? "token is not saved" : "saved token cannot be read");
}

/** A token that could not be saved is saved. */
export function tokenStoreRecovered(e: { connection: string }): void {
  log.info(e, "token is saved after all");
}

/** A saved token was damaged or moved; it is as if there were none. */
export function tokenDiscarded(e: { connection: string }): void {
  log.warn(e, "saved token is not readable and was left aside");
}

function toIso(at: number | undefined): string | undefined {
  return at === undefined ? undefined : new Date(at).toISOString();
}
