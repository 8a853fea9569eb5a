import type { IncomingHttpHeaders } from "node:http";
import type { Fault } from "./faults.ts";
import type { Identity } from "./oauth.ts";
import type { UsageGroup } from "./rate-limit.ts";
import type { Reply } from "./reply.ts";

/** A request as it came, its body read. */
export interface Incoming {
  readonly method: string;
  /** With query. */
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** A request that is let in: on a route, by somebody, within the limits. */
export interface Call extends Incoming {
  /** Path without query. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** The ids in the path. */
  readonly params: readonly string[];
  readonly identity: Identity;
  /** For the answer. */
  readonly limitHeaders: Record<string, string>;
  /** What changes the answer from within. */
  readonly fault: Fault | undefined;
}

/** Who calls, or why nobody may. */
export type Admission = { readonly identity: Identity } | { readonly refusal: Reply };

/** What can be asked, by the names that faults and the log use; `unknown` is every other path. */
export type RouteName =
  | "token"
  | "revoke"
  | "wstoken"
  /** The WebSocket handshake. */
  | "connect"
  /** The subscription request in a WebSocket frame. */
  | "subscribe"
  | "queue-presence"
  | "extension-presence"
  | "account-presence"
  | "call-queue-presence"
  | "call-queues"
  | "call-queue"
  | "members"
  | "unknown";

export const ROUTE_NAMES: Record<RouteName, true> = {
  token: true,
  revoke: true,
  wstoken: true,
  connect: true,
  subscribe: true,
  "queue-presence": true,
  "extension-presence": true,
  "account-presence": true,
  "call-queue-presence": true,
  "call-queues": true,
  "call-queue": true,
  members: true,
  unknown: true,
};

/** One kind of request and how it is answered. */
export interface Route {
  readonly name: RouteName;
  readonly method: "GET" | "POST";
  readonly pattern: RegExp;
  readonly group: UsageGroup;
  /** The app's permission; any of them. None = everybody's. */
  readonly permissions: readonly string[];
  /** Answers in maintenance too. */
  readonly highlyAvailable: boolean;
  /** How many calls it counts; 1 unless given. */
  cost?(params: readonly string[]): number;
  /** Who calls, where that is not told by an access token. */
  admit?(incoming: Incoming): Admission;
  handle(call: Call): Reply;
}
