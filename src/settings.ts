import { BlockList, isIP } from "node:net";
import { ServiceError, type Violation } from "./lib/errors.ts";
import { parseOrigin } from "./lib/origin.ts";
import { Secret } from "./lib/secret.ts";
import { parseSecretsKey } from "./stores/keys.ts";
import { parseStoreUrl } from "./stores/open.ts";

/** What the operator decides, read once at start from environment variables; `OTEL_*` is read by OpenTelemetry itself. */
export interface Settings {
  /** HOST: the address or name both listeners bind to. */
  readonly host: string;
  /** HTTP_PORT and GRPC_PORT: 0 to 65535, 0 = any that is free. */
  readonly httpPort: number;
  readonly grpcPort: number;
  /** STORE_URL, for openStore() and keyFileOf(). */
  readonly storeUrl: string;
  /** UPSTREAM_ALLOW: origins that may be called besides RingCentral's, each once, in the spelling of parseOrigin(). */
  readonly upstreamAllow: readonly string[];
  /** PUSH_FILTERS_PER_SOCKET: event filters that one WebSocket subscription may hold. */
  readonly pushFiltersPerSocket: number;
  /** SECRETS_KEY, for loadKeys(). */
  readonly secretsKey: Secret | undefined;
  /** AUTH: how callers are recognised. */
  readonly auth: "none";
  /** Whether anyone who reaches the host may call: AUTH is none off loopback, allowed by INSECURE=1. Log it at start. */
  readonly exposed: boolean;
  /** LOG_LEVEL */
  readonly logLevel: LogLevel;
}

type LogLevel = (typeof LOG_LEVELS)[number];
const LOG_LEVELS = ["trace", "debug", "info", "warn", "error", "fatal", "silent"] as const;

export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads the settings. A variable that is unset or empty has its default, but an empty SECRETS_KEY is refused: it is a
 * substitution that failed. Throws INVALID_ARGUMENT with every violation at once; `field` is the variable's name.
 */
export function parseSettings(env: Environment): Settings {
  const violations: Violation[] = [];
  const refuse = (field: string, reason: string, description: string) =>
    void violations.push({ field, reason, description });
  const read = (name: string, unset: string) => env[name] || unset;

  const host = parseHost(read("HOST", "127.0.0.1"), refuse);
  const httpPort = parsePort("HTTP_PORT", read("HTTP_PORT", "8080"), refuse);
  const grpcPort = parsePort("GRPC_PORT", read("GRPC_PORT", "50051"), refuse);
  if (httpPort === grpcPort && httpPort) {
    refuse("GRPC_PORT", "CONFLICT", `is ${grpcPort}, as is HTTP_PORT; expected another port`);
  }
  const storeUrl = read("STORE_URL", "sqlite:./data/availability.db");
  const store = parseStoreUrl(storeUrl);
  if ("reason" in store) violations.push(store);
  const upstreamAllow = parseOrigins(read("UPSTREAM_ALLOW", ""), refuse);
  const pushFiltersPerSocket = parseCount("PUSH_FILTERS_PER_SOCKET", read("PUSH_FILTERS_PER_SOCKET", "500"), refuse);
  const secretsKey = env.SECRETS_KEY === undefined ? undefined : new Secret(env.SECRETS_KEY);
  const keys = secretsKey && parseSecretsKey(secretsKey.reveal());
  if (keys && "problem" in keys) refuse("SECRETS_KEY", "INVALID_FORMAT", keys.problem);
  const auth = parseAuth(read("AUTH", "none"), refuse);
  const insecure = parseFlag("INSECURE", read("INSECURE", "0"), refuse);
  const exposed = host !== undefined && auth === "none" && !isLoopback(host);
  if (exposed && insecure === false) {
    const way = "expected a loopback address while AUTH is none, or INSECURE=1 to let anyone who reaches it call";
    refuse("HOST", "INSECURE", `is ${quote(host)}; ${way}`);
  }
  const logLevel = LOG_LEVELS.find((level) => level === read("LOG_LEVEL", "info"));
  if (!logLevel) {
    refuse("LOG_LEVEL", "INVALID_FORMAT", `is ${quote(read("LOG_LEVEL", ""))}; expected ${LOG_LEVELS.join(", ")}`);
  }
  for (const name of Object.keys(env)
    .filter((name) => name.startsWith("TLS_") && env[name])
    .sort()) {
    refuse(name, "UNSUPPORTED", "is set; TLS is not available yet; leave it unset");
  }

  if (
    violations.length > 0 ||
    host === undefined ||
    httpPort === undefined ||
    grpcPort === undefined ||
    pushFiltersPerSocket === undefined ||
    !logLevel
  ) {
    const all = violations.map(({ field, description }) => `${field} ${description}`).join(". ");
    throw new ServiceError("INVALID_ARGUMENT", `Cannot read settings: ${all}`, { violations });
  }
  return {
    host,
    httpPort,
    grpcPort,
    storeUrl,
    upstreamAllow,
    pushFiltersPerSocket,
    secretsKey,
    auth: "none",
    exposed,
    logLevel,
  };
}

type Refuse = (field: string, reason: string, description: string) => undefined;

const HOST_NAME = /^(?!-)[A-Za-z0-9-]{1,63}(?:\.(?!-)[A-Za-z0-9-]{1,63})*$/;

function parseHost(text: string, refuse: Refuse): string | undefined {
  // A name that ends in digits is a mistyped address ("127.0.0"), and resolvers would make something else of it.
  const isName = text.length <= 253 && HOST_NAME.test(text) && !/(?:^|\.)(?:\d+|0x[0-9a-f]*)$/i.test(text);
  if (isIP(text) !== 0 || isName) return text;
  return refuse("HOST", "INVALID_FORMAT", `is ${quote(text)}; expected an IP address without brackets, or a host name`);
}

function parsePort(field: string, text: string, refuse: Refuse): number | undefined {
  const port = /^(?:0|[1-9]\d{0,4})$/.test(text) ? Number(text) : Number.NaN;
  if (port <= 65_535) return port;
  return refuse(field, "INVALID_FORMAT", `is ${quote(text)}; expected a whole number from 0 to 65535`);
}

function parseCount(field: string, text: string, refuse: Refuse): number | undefined {
  if (/^[1-9]\d{0,4}$/.test(text)) return Number(text);
  return refuse(field, "INVALID_FORMAT", `is ${quote(text)}; expected a whole number from 1 to 99999`);
}

function parseFlag(field: string, text: string, refuse: Refuse): boolean | undefined {
  if (text === "1" || text === "0") return text === "1";
  return refuse(field, "INVALID_FORMAT", `is ${quote(text)}; expected 1 or 0`);
}

function parseAuth(text: string, refuse: Refuse): "none" | undefined {
  if (text === "none") return "none";
  if (["mtls", "mesh", "jwt"].includes(text)) {
    return refuse("AUTH", "UNSUPPORTED", `is "${text}", not available yet; expected "none"`);
  }
  return refuse("AUTH", "INVALID_FORMAT", `is ${quote(text)}; expected "none"`);
}

function parseOrigins(text: string, refuse: Refuse): string[] {
  const origins = new Set<string>();
  if (text === "") return [];
  for (const [index, part] of text.split(",").entries()) {
    const origin = parseOrigin(part.trim());
    if (origin !== undefined) origins.add(origin);
    else {
      // An address may carry a password.
      const given = part.includes("@") ? "has user information" : `is ${quote(part)}`;
      const expected = 'expected a bare origin, as in "https://server.example"';
      refuse("UPSTREAM_ALLOW", "INVALID_FORMAT", `${given} at place ${index + 1}; ${expected}`);
    }
  }
  return [...origins];
}

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet("127.0.0.0", 8, "ipv4");
LOOPBACK.addAddress("::1", "ipv6");

/** Of names only "localhost" is known to stay on this machine; what any other means is up to a name server. */
function isLoopback(host: string): boolean {
  const family = isIP(host);
  return family === 0 ? host.toLowerCase() === "localhost" : LOOPBACK.check(host, family === 4 ? "ipv4" : "ipv6");
}

function quote(text: string): string {
  return JSON.stringify(text.length > 100 ? `${text.slice(0, 100)}…` : text);
}
