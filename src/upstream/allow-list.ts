import { parseOrigin } from "../lib/origin.ts";

// Every commercial brand and region of RingCentral answers at one of these.
const RINGCENTRAL = ["https://platform.ringcentral.com", "https://platform.ringcentral.biz"];

/** AllowList names the origins this service may send a request to; nothing else is ever connected to. */
export interface AllowList {
  /** In the one spelling that parseOrigin() gives. */
  readonly origins: readonly string[];
  allows(origin: string): boolean;
}

/** RingCentral's own origins and `extra` ones, each already a bare origin; http only where `extra` says http. */
export function createAllowList(extra: readonly string[] = []): AllowList {
  const allowed = new Set(RINGCENTRAL);
  for (const text of extra) {
    const origin = parseOrigin(text);
    if (origin === undefined) throw new TypeError("Cannot allow an upstream server: it is no bare origin");
    allowed.add(origin);
  }
  return { origins: [...allowed], allows: (origin) => allowed.has(origin) };
}
