import { parseOrigin } from "../lib/origin.ts";

// Every commercial brand and region of RingCentral answers at one of these.
const RINGCENTRAL = ["https://platform.ringcentral.com", "https://platform.ringcentral.biz"];

// RingCentral names its WebSocket gateway with every token for it, and it is another host than the API's:
// wss://ws-api.ringcentral.com/ws in RingCentral's own SDKs, with no promise that it stays the only one.
const RINGCENTRAL_GATEWAY = /^https:\/\/(?:[a-z0-9-]+\.)+ringcentral\.(?:com|biz)$/;

/** AllowList names the origins this service may send a request to; nothing else is ever connected to. */
export interface AllowList {
  /** In the one spelling that parseOrigin() gives. */
  readonly origins: readonly string[];
  allows(origin: string): boolean;
  /** Whether a WebSocket may be opened there; `origin` is written with https for wss and with http for ws. */
  allowsSocket(origin: string): boolean;
}

/** RingCentral's own origins and `extra` ones, each already a bare origin; http only where `extra` says http. */
export function createAllowList(extra: readonly string[] = []): AllowList {
  const allowed = new Set(RINGCENTRAL);
  for (const text of extra) {
    const origin = parseOrigin(text);
    if (origin === undefined) throw new TypeError("Cannot allow an upstream server: it is no bare origin");
    allowed.add(origin);
  }
  return {
    origins: [...allowed],
    allows: (origin) => allowed.has(origin),
    allowsSocket: (origin) => allowed.has(origin) || RINGCENTRAL_GATEWAY.test(origin),
  };
}
