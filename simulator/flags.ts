import { parseArgs } from "node:util";
import { LAYOUTS, type Layout } from "./layout.ts";
import { DEFAULT_APP, jwtsOf } from "./oauth-apps.ts";
import type { UsageGroup } from "./rate-limit.ts";
import type { SimulatorOptions } from "./server.ts";
import { DEFAULT_SWITCHES, parseSwitches } from "./switches.ts";

export const USAGE = `Usage: node simulator/main.ts [--port N] [--token TEXT] [--queues N] [--agents N] [--queues-per-agent N]
  [--layout ${LAYOUTS.join("|")}] [--interval MS] [--seed N] [--load CALLS_PER_SECOND] [--news-delay MS] [--new-call-handling]
  [--limit N|unlimited (light)] [--limit-medium N|unlimited] [--limit-heavy N|unlimited] [--limit-auth N|unlimited]
  [--client-id TEXT] [--client-secret TEXT] [--jwt TEXT] [--users N] [--scope "NAME NAME"] [--refresh-tokens]
  [--switch NAME=VALUE ...], one of ${Object.keys(DEFAULT_SWITCHES).join(", ")}`;

// The past of a program that runs for days.
const AN_HOUR_MS = 3_600_000;

const LIMIT_FLAGS = { limit: "light", "limit-medium": "medium", "limit-heavy": "heavy", "limit-auth": "auth" } as const;

/** The options that the program's arguments ask for; throws what is wrong with them. */
export function optionsFrom(args: string[]): SimulatorOptions {
  const text = { type: "string" } as const;
  const { values } = parseArgs({
    args,
    options: {
      port: text,
      token: text,
      queues: text,
      agents: text,
      "queues-per-agent": text,
      layout: text,
      interval: text,
      seed: text,
      load: text,
      "news-delay": text,
      "new-call-handling": { type: "boolean" },
      limit: text,
      "limit-medium": text,
      "limit-heavy": text,
      "limit-auth": text,
      "client-id": text,
      "client-secret": text,
      jwt: text,
      users: text,
      scope: text,
      "refresh-tokens": { type: "boolean" },
      switch: { type: "string", multiple: true },
    },
  });
  const number = (name: keyof typeof values, fallback: number) => {
    const value = values[name] ?? String(fallback);
    if (!/^\d+$/.test(String(value))) throw new Error(`Cannot use --${name} "${value}": not a whole number`);
    return Number(value);
  };
  const { layout = "jackson", token, scope } = values;
  if (!LAYOUTS.includes(layout as Layout))
    throw new Error(`Cannot use --layout "${layout}": not ${LAYOUTS.join(", ")}`);
  const queues = number("queues", 2);
  const callsPerSecond = number("load", 0);
  const app = {
    ...DEFAULT_APP,
    clientId: values["client-id"] ?? DEFAULT_APP.clientId,
    clientSecret: values["client-secret"] ?? DEFAULT_APP.clientSecret,
    jwts: jwtsOf(values.jwt ?? DEFAULT_APP.jwts[0], number("users", 1)),
    issueRefreshTokens: values["refresh-tokens"] ?? false,
    ...(scope !== undefined && { scope }),
  };
  return {
    port: number("port", 0),
    ...(token !== undefined && { token }),
    apps: [app],
    queues,
    agents: number("agents", queues * 3),
    ...(values["queues-per-agent"] !== undefined && { queuesPerAgent: number("queues-per-agent", 1) }),
    newCallHandling: values["new-call-handling"] ?? false,
    layout: layout as Layout,
    // A load is life enough.
    intervalMs: number("interval", callsPerSecond > 0 ? 0 : 2000),
    ...(callsPerSecond > 0 && { load: { callsPerSecond } }),
    limits: limitsFrom(values),
    switches: { ...switchesFrom(values.switch ?? []), newsDelayMs: number("news-delay", 0) },
    seed: number("seed", 1),
    rememberMs: AN_HOUR_MS,
    control: true,
  };
}

function limitsFrom(
  values: { readonly [Flag in keyof typeof LIMIT_FLAGS]?: string },
): Partial<Record<UsageGroup, number>> {
  const limits: Partial<Record<UsageGroup, number>> = {};
  for (const [flag, group] of Object.entries(LIMIT_FLAGS)) {
    const value = values[flag as keyof typeof LIMIT_FLAGS];
    if (value === undefined) continue;
    if (!/^(\d+|unlimited)$/.test(value))
      throw new Error(`Cannot use --${flag} "${value}": neither a number nor unlimited`);
    limits[group] = value === "unlimited" ? Number.POSITIVE_INFINITY : Number(value);
  }
  return limits;
}

function switchesFrom(given: readonly string[]) {
  const entries = given.map((text) => {
    const [, name, value] = /^(\w+)=(.*)$/.exec(text) ?? [];
    if (name === undefined || value === undefined) throw new Error(`Cannot use --switch "${text}": not NAME=VALUE`);
    return [name, /^[\d.]+$/.test(value) ? Number(value) : value];
  });
  return parseSwitches(Object.fromEntries(entries));
}
