import { randomUUID } from "node:crypto";
import * as errors from "./errors.ts";
import { faultReply } from "./fault-replies.ts";
import { type Fault, leavesAnswer } from "./faults.ts";
import { type Subscription, subscriptionTo } from "./filters.ts";
import type { FrameMeta } from "./frames.ts";
import type { Identity } from "./oauth.ts";
import type { RateLimits } from "./rate-limit.ts";
import { platformReply, type Reply } from "./reply.ts";
import type { Switches } from "./switches.ts";
import type { World } from "./world.ts";

/** What a subscription request comes to; `subscription` is what is in force from now on, undefined = as before. */
export interface Subscribed {
  readonly reply: Reply;
  readonly subscription?: Subscription;
}

const PATH = "/restapi/v1.0/subscription";
const LIFE_SECONDS = 86_399;

/** Answers a request that came in a frame. `others` counts the subscriptions on the user's and app's other sockets. */
export function subscribe(
  request: { meta: FrameMeta; body: unknown; identity: Identity; others: number; fault: Fault | undefined },
  deps: { world: World; switches: Switches; limits: RateLimits; now: () => number },
): Subscribed {
  const { meta, identity, fault } = request;
  const { limits, switches } = deps;
  if (meta.path !== PATH || meta.method !== "POST") return { reply: errors.invalidUri() };
  const allowance = limits.take(identity.caller, "medium");
  const { headers } = allowance;
  if (fault && !leavesAnswer(fault)) return { reply: faultReply(fault, errors.internalError(headers), headers) };
  if (allowance.refused) return { reply: errors.rateExceeded(headers) };
  const filters = filtersOf(request.body);
  if (!filters) return { reply: errors.invalidParameter("eventFilters", headers) };
  if (filters.length > switches.filterLimit && switches.overFilterLimit === "refuse")
    return { reply: errors.invalidFilters(switches.filterLimit, headers) };
  if (request.others >= switches.maxSubscriptions) return { reply: errors.tooManySubscriptions(headers) };
  const subscription = subscriptionTo(filters, { id: randomUUID(), createdAt: deps.now(), identity }, deps);
  return { reply: platformReply(200, subscriptionDocument(subscription), { headers }), subscription };
}

function filtersOf(body: unknown): string[] | undefined {
  const { eventFilters } = (body ?? {}) as { eventFilters?: unknown };
  if (!Array.isArray(eventFilters) || eventFilters.length === 0) return undefined;
  return eventFilters.every((filter) => typeof filter === "string") ? eventFilters : undefined;
}

function subscriptionDocument({ id, createdAt, eventFilters, disabledFilters }: Subscription): object {
  return {
    uri: `${PATH}/${id}`,
    id,
    creationTime: new Date(createdAt).toISOString(),
    status: "Active",
    eventFilters,
    ...(disabledFilters.length > 0 && { disabledFilters }),
    expirationTime: new Date(createdAt + LIFE_SECONDS * 1000).toISOString(),
    expiresIn: LIFE_SECONDS,
    deliveryMode: { transportType: "WebSocket", encryption: false },
  };
}
