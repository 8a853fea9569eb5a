import type { TransportErrorKind } from "./transport-error.ts";

/** A request on its way through redirects. */
export interface Hop {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  /** Redirects followed so far. */
  readonly count: number;
  /** A redirect named no address, so the same one was asked again. */
  readonly repeated: boolean;
}

const REDIRECTS = new Set([301, 302, 303, 307, 308]);
const MOST_HOPS = 3;

/**
 * Where an answer sends a GET next; undefined when it is no redirect. A POST goes nowhere else. Without a Location the same address is asked once
 * more, as RingCentral wishes. The authorization is for the origin it was given for: it goes to no other, and does not
 * come back when a later hop does.
 */
export function nextHop(
  hop: Hop,
  answer: { status: number; headers: Readonly<Record<string, string>> },
  method: "GET" | "POST",
): Hop | TransportErrorKind | undefined {
  if (!REDIRECTS.has(answer.status)) return undefined;
  if (method === "POST") return "bad_redirect";
  if (hop.count === MOST_HOPS) return "redirect_loop";
  const count = hop.count + 1;
  const location = answer.headers.location;
  if (!location) return hop.repeated ? "bad_redirect" : { ...hop, count, repeated: true };
  const url = URL.parse(location, hop.url.href);
  if (url?.protocol !== "https:" && url?.protocol !== "http:") return "bad_redirect";
  if (url.origin === hop.url.origin) return { ...hop, url, count };
  const { authorization: _, ...headers } = hop.headers;
  return { ...hop, url, headers, count };
}
