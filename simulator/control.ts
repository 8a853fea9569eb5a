import type { IncomingMessage, ServerResponse } from "node:http";
import { json } from "node:stream/consumers";
import { parseChange } from "./agent.ts";
import { ROUTE_NAMES } from "./call.ts";
import { FAULT_KINDS, type Fault, type Faults } from "./faults.ts";
import type { Gateway } from "./gateway.ts";
import type { LoadOptions } from "./load.ts";
import type { OAuth } from "./oauth.ts";
import type { RateLimits, UsageGroup } from "./rate-limit.ts";
import type { RequestLog } from "./request-log.ts";
import { parseSwitches, type Switches } from "./switches.ts";
import type { World } from "./world.ts";

/** What the control endpoints act on. */
interface Controlled {
  readonly world: World;
  readonly faults: Faults;
  readonly limits: RateLimits;
  readonly switches: Switches;
  readonly oauth: OAuth;
  readonly gateway: Gateway;
  readonly load: (options: LoadOptions | undefined) => void;
  readonly log: RequestLog;
}

const SHOWN = 100;

interface SocketChange {
  readonly cut?: "clean" | "abrupt" | "silent";
  readonly drop?: number;
  readonly reorder?: number;
  readonly forget?: boolean;
}

type Route = (controlled: Controlled, request: IncomingMessage) => unknown;

const ROUTES: Record<string, Route> = {
  "GET /simulator/state": ({ world, faults, oauth, gateway, switches }) => ({
    faults: { left: faults.left, hanging: faults.hanging },
    oauth: { sessions: oauth.sessions.live.length },
    gateway: { sockets: gateway.sockets, sessions: gateway.sessions, connections: gateway.connections.slice(-SHOWN) },
    switches,
    queues: world.queueIds.map((id) => ({ ...world.queue(id), truth: world.truth(id) })),
  }),
  "GET /simulator/requests": ({ log }) => ({ requests: log.records.slice(-SHOWN) }),
  // How many requests came, by what was asked and how it was answered, and the most calls in any window by usage group.
  "GET /simulator/usage": ({ log, limits }) => ({ calls: log.counts(), most: limits.mostOfAll() }),
  // One fault or a list of them, see faults.ts.
  "POST /simulator/faults": async ({ faults }, request) => {
    faults.add(...faultsOf(await json(request)));
    return { left: faults.left };
  },
  "DELETE /simulator/faults": ({ faults }) => {
    faults.clear();
    return { left: faults.left };
  },
  "POST /simulator/release": ({ faults }) => {
    faults.release();
    return {};
  },
  // {"queueId": "...", "member": 0 or "<extension id>", ...what changes}, see MemberChange.
  "POST /simulator/agents": async ({ world }, request) => {
    const { queueId, member, ...change } = (await json(request)) as Record<string, unknown>;
    if (typeof member !== "number" && typeof member !== "string")
      throw new Error("Cannot change a member: no `member`");
    // Comparable between the programs of one machine, and finer than a date.
    const monotonicMs = Number(process.hrtime.bigint()) / 1e6;
    world.set(String(queueId), member, parseChange(change));
    return { ...world.truth(String(queueId)), monotonicMs };
  },
  "POST /simulator/tick": ({ world }) => {
    world.tick();
    return {};
  },
  // {"name": value}, see switches.ts.
  "POST /simulator/switches": async ({ switches }, request) =>
    Object.assign(switches, parseSwitches(await json(request))),
  // {"callsPerSecond": 30}, see load.ts; 0 ends it.
  "POST /simulator/load": async ({ load }, request) => {
    const { callsPerSecond, ...rest } = (await json(request)) as LoadOptions;
    if (!(callsPerSecond >= 0)) throw new Error("Cannot begin a load: no `callsPerSecond`");
    load(callsPerSecond > 0 ? { callsPerSecond, ...rest } : undefined);
    return {};
  },
  // {"light": 50}; null = no limit.
  "POST /simulator/limits": async ({ limits }, request) => {
    const given = (await json(request)) as Record<string, number | null>;
    for (const [group, limit] of Object.entries(given)) {
      if (!limits.knows(group)) throw new Error(`Cannot limit "${group}": no such usage group`);
      limits.setLimit(group as UsageGroup, limit ?? Number.POSITIVE_INFINITY);
    }
    return {};
  },
  // {"expire": "access"} ends access tokens, {"expire": "sessions"} everything that was issued.
  "POST /simulator/tokens": async ({ oauth }, request) => {
    const { expire } = (await json(request)) as { expire?: unknown };
    if (expire === "access") oauth.expireToken();
    else if (expire === "sessions") oauth.expireSession();
    else throw new Error("Cannot change tokens: `expire` is neither access nor sessions");
    return { sessions: oauth.sessions.live.length };
  },
  // Any of {"cut": "clean" | "abrupt" | "silent", "drop": 1, "reorder": 2, "forget": true}.
  "POST /simulator/sockets": async ({ gateway }, request) => {
    const { cut, drop = 0, reorder = 0, forget } = (await json(request)) as SocketChange;
    if (cut !== undefined && !["clean", "abrupt", "silent"].includes(cut))
      throw new Error(`Cannot cut sockets "${cut}": not clean, abrupt or silent`);
    if (cut !== undefined) gateway.cut(cut);
    gateway.dropNext(drop);
    gateway.reorderNext(reorder);
    if (forget) gateway.forgetSessions();
    return { sockets: gateway.sockets, sessions: gateway.sessions };
  },
};

export function isControl(request: IncomingMessage): boolean {
  return request.url?.startsWith("/simulator/") ?? false;
}

/** Serves `/simulator/...`: state to look at and things to change while the simulator runs as a program. */
export async function control(
  request: IncomingMessage,
  response: ServerResponse,
  controlled: Controlled,
): Promise<void> {
  const route = ROUTES[`${request.method} ${request.url}`];
  if (!route) return send(response, 404, { error: "no such control", controls: Object.keys(ROUTES) });
  try {
    send(response, 200, await route(controlled, request));
  } catch (error) {
    send(response, 400, { error: error instanceof Error ? error.message : String(error) });
  }
}

function send(response: ServerResponse, status: number, document: unknown): void {
  response.writeHead(status, { "Content-Type": "application/json" });
  response.end(`${JSON.stringify(document, null, 2)}\n`);
}

function faultsOf(document: unknown): Fault[] {
  const faults = (Array.isArray(document) ? document : [document]) as (Fault | null)[];
  const bad = faults.find((fault) => !fault || !Object.hasOwn(FAULT_KINDS, fault.kind));
  if (bad !== undefined) {
    const kinds = Object.keys(FAULT_KINDS).join(", ");
    throw new Error(`Cannot add fault ${JSON.stringify(bad)}: its kind is not one of ${kinds}`);
  }
  for (const { on = "any" } of faults as Fault[]) {
    const unknown = [on].flat().find((name) => name !== "any" && !Object.hasOwn(ROUTE_NAMES, name));
    if (unknown !== undefined)
      throw new Error(`Cannot add a fault on "${unknown}": not one of any, ${Object.keys(ROUTE_NAMES).join(", ")}`);
  }
  return faults as Fault[];
}
