import type { Violation } from "../lib/errors.ts";
import { parseOrigin } from "../lib/origin.ts";
import { quote } from "../lib/quote.ts";

/** What an unset server means. */
export const DEFAULT_SERVER = "https://platform.ringcentral.com";

/** The origin of a RingCentral server (empty = the default), or what is wrong with it; `field` is its path. */
export function parseServerUrl(
  serverUrl: string,
  { field, allowList }: { field: string; allowList: { allows(origin: string): boolean } },
): { origin: string; violation?: Violation } | { origin: undefined; violation: Violation } {
  const origin = parseOrigin(serverUrl || DEFAULT_SERVER);
  // Not quoted when it is no origin: a password or a token may stand in it.
  if (origin === undefined) {
    const description = `is no bare origin, expected one like ${quote(DEFAULT_SERVER)}`;
    return { origin, violation: { field, reason: "INVALID_FORMAT", description } };
  }
  if (allowList.allows(origin)) return { origin };
  const description = `is ${quote(origin)}, which this service may not call; its operator allows it by adding it to UPSTREAM_ALLOW`;
  return { origin, violation: { field, reason: "NOT_ALLOWED", description } };
}
