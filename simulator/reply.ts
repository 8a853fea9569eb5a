import { randomUUID } from "node:crypto";
import { type Layout, print } from "./layout.ts";

/** An answer before it is sent. */
export interface Reply {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly body: string;
}

/** An answer of the platform itself, with the headers that all of those carry. */
export function platformReply(
  status: number,
  document: unknown,
  options: { layout?: Layout; headers?: Record<string, string> } = {},
): Reply {
  const headers = {
    "Content-Type": "application/json;charset=utf-8",
    "Content-Language": "en-US",
    RoutingKey: "SJC11P01",
    ...commonHeaders(),
    ...options.headers,
  };
  return { status, headers, body: print(document, options.layout ?? "jackson") };
}

/** An answer of the gateway in front of the platform: JSON too, with a barer content type. */
export function gatewayReply(status: number, document: unknown, headers: Record<string, string> = {}): Reply {
  return {
    status,
    headers: { "Content-Type": "application/json", ...commonHeaders(), ...headers },
    body: print(document, "jackson"),
  };
}

/** An answer of the edge, which knows neither JSON nor request ids. */
export function edgeReply(status: number, body: string): Reply {
  return { status, headers: { Server: "nginx", "Content-Type": "text/html; charset=UTF-8" }, body };
}

function commonHeaders(): Record<string, string> {
  return { Server: "nginx", RCRequestId: randomUUID(), Vary: "Accept-Encoding, User-Agent" };
}
