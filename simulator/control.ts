import type { IncomingMessage, ServerResponse } from "node:http";
import { json } from "node:stream/consumers";
import { parseChange } from "./agent.ts";
import { FAULT_KINDS, type Fault, type Faults } from "./faults.ts";
import type { RequestLog } from "./request-log.ts";
import type { World } from "./world.ts";

/** What the control endpoints act on. */
interface Controlled {
  readonly world: World;
  readonly faults: Faults;
  readonly log: RequestLog;
}

const SHOWN_REQUESTS = 100;

type Route = (controlled: Controlled, request: IncomingMessage) => unknown;

const ROUTES: Record<string, Route> = {
  "GET /simulator/state": ({ world, faults }) => ({
    faults: { left: faults.left, hanging: faults.hanging },
    queues: world.queueIds.map((id) => ({ ...world.queue(id), truth: world.truth(id) })),
  }),
  "GET /simulator/requests": ({ log }) => ({ requests: log.records.slice(-SHOWN_REQUESTS) }),
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
    world.set(String(queueId), member, parseChange(change));
    return world.truth(String(queueId));
  },
  "POST /simulator/tick": ({ world }) => {
    world.tick();
    return {};
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
  if (bad === undefined) return faults as Fault[];
  const kinds = Object.keys(FAULT_KINDS).join(", ");
  throw new Error(`Cannot add fault ${JSON.stringify(bad)}: its kind is not one of ${kinds}`);
}
