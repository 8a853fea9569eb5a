/**
 * How the simulated platform behaves where accounts differ, where nobody outside knows, or where somebody wants trouble.
 * All of it may be changed at any time.
 */
export interface Switches {
  /** What client_credentials gets: either refusal, or a token as if it were a public grant. */
  clientCredentials: "OAU-251" | "OAU-250" | "granted";
  /** Sessions of one user and app at a time; one more evicts the oldest. */
  maxSessions: number;
  /** Limited mode with that Retry-After (seconds): only what is highly available answers. Null = none. */
  maintenance: { retryAfter: number } | null;
  /** What a call for several extensions counts: one call, or each of them. */
  bulkCalls: "one" | "each";

  /** Seconds a WebSocket token is good. */
  wsTokenTtl: number;
  /** What the WebSocket handshake gets: an answer, 503, a reset, or nothing at all. */
  gateway: "up" | "unavailable" | "reset" | "silent";
  /** How long the first frame is in coming. */
  detailsDelayMs: number;
  /** Messages kept for who comes back. */
  recoveryBufferSize: number;
  /** Seconds in which one may come back. */
  recoveryTimeout: number;
  /** Seconds after which a socket is closed, with WSG-903. */
  absoluteTimeout: number;
  /** Seconds of the client's silence after which its socket is closed, with WSG-902. */
  idleTimeout: number;
  /** Seconds between the server's pings, 0 = none. */
  pingInterval: number;
  /** Seconds the server waits for a pong. */
  pongTimeout: number;
  /** What comes again after recovery: what came after the client's place, or the whole buffer. */
  replay: "missed" | "buffer";

  /** Filters in one subscription. */
  filterLimit: number;
  /** What happens to more: the subscription is refused (SUB-508), or those after the last are disabled. */
  overFilterLimit: "refuse" | "disable";
  /** Subscriptions of one user and app (SUB-505). */
  maxSubscriptions: number;
  /** How long after a change its news is sent. */
  newsDelayMs: number;
  /** The body of queue presence news: as it is seen in practice, or as the OpenAPI document has it. */
  queueEvents: "records" | "flat";
  /** `extensionId` in the news of extensions. */
  extensionIds: "text" | "number";
  /** Whether the news of an extension leave out telephonyStatus when it did not change. */
  telephonyStatus: "changed" | "always";
}

export const DEFAULT_SWITCHES: Readonly<Switches> = {
  clientCredentials: "OAU-251",
  maxSessions: 5,
  maintenance: null,
  bulkCalls: "one",
  wsTokenTtl: 30,
  gateway: "up",
  detailsDelayMs: 0,
  recoveryBufferSize: 100,
  recoveryTimeout: 180,
  absoluteTimeout: 86_400,
  idleTimeout: 1800,
  pingInterval: 30,
  pongTimeout: 10,
  replay: "missed",
  filterLimit: Number.POSITIVE_INFINITY,
  overFilterLimit: "refuse",
  maxSubscriptions: 30,
  newsDelayMs: 0,
  queueEvents: "records",
  extensionIds: "text",
  telephonyStatus: "changed",
};

const CHOICES: { [Name in keyof Switches]?: readonly Switches[Name][] } = {
  clientCredentials: ["OAU-251", "OAU-250", "granted"],
  bulkCalls: ["one", "each"],
  gateway: ["up", "unavailable", "reset", "silent"],
  replay: ["missed", "buffer"],
  overFilterLimit: ["refuse", "disable"],
  queueEvents: ["records", "flat"],
  extensionIds: ["text", "number"],
  telephonyStatus: ["changed", "always"],
};

/** The switches that came from outside as `input`; throws what is wrong with them. */
export function parseSwitches(input: unknown): Partial<Switches> {
  if (typeof input !== "object" || input === null) throw new Error("Cannot set switches: not an object");
  for (const [name, value] of Object.entries(input)) {
    if (!Object.hasOwn(DEFAULT_SWITCHES, name))
      throw new Error(`Cannot set "${name}": not one of ${Object.keys(DEFAULT_SWITCHES).join(", ")}`);
    const choices = CHOICES[name as keyof Switches] as readonly unknown[] | undefined;
    if (choices ? !choices.includes(value) : !(name === "maintenance" ? isMaintenance(value) : isAmount(value)))
      throw new Error(`Cannot set ${name} to ${JSON.stringify(value)}: not ${choices?.join(", ") ?? "of its kind"}`);
  }
  return input;
}

function isAmount(value: unknown): boolean {
  return typeof value === "number" && value >= 0;
}

function isMaintenance(value: unknown): boolean {
  if (value === null) return true;
  return typeof value === "object" && "retryAfter" in value && isAmount(value.retryAfter);
}
