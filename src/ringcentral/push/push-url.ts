import type { Secret } from "../../lib/secret.ts";
import type { SessionToken } from "./push-frames.ts";

/** Where to connect, with a token for one use; `wsc` is the session to be resumed. */
export interface SessionTarget {
  readonly uri: string;
  readonly token: Secret;
  readonly wsc: SessionToken | undefined;
}

/** The URL to open, secrets in its query; undefined when RingCentral's is none of a WebSocket. */
export function socketUrl({ uri, token, wsc }: SessionTarget): string | undefined {
  const url = URL.parse(uri);
  if (url?.protocol !== "wss:" && url?.protocol !== "ws:") return undefined;
  const query = [`access_token=${encodeURIComponent(token.reveal())}`];
  if (wsc) query.push(`wsc=${encodeURIComponent(wsc.token.reveal())}`);
  url.search = [url.search.slice(1), ...query].filter(Boolean).join("&");
  url.hash = "";
  return url.href;
}
