import type { Admission, Call, Incoming, Route, RouteName } from "./call.ts";
import * as errors from "./errors.ts";
import { faultReply } from "./fault-replies.ts";
import { type Fault, type Faults, leavesAnswer } from "./faults.ts";
import type { OAuth } from "./oauth.ts";
import type { RateLimits } from "./rate-limit.ts";
import type { Reply } from "./reply.ts";
import type { Switches } from "./switches.ts";

/** What stands in front of every route. */
export interface Platform {
  readonly faults: Pick<Faults, "take">;
  readonly limits: RateLimits;
  readonly oauth: OAuth;
  readonly switches: Switches;
  readonly routes: readonly Route[];
}

/** An answer, the fault that shaped it, and what was asked by whom. */
export interface Outcome {
  readonly reply: Reply;
  readonly on: RouteName;
  readonly fault?: Fault | undefined;
  readonly queueId?: string | undefined;
  readonly caller?: string | undefined;
}

const QUEUE_PATH = /\/call-queues\/([^/]+)/;

/**
 * Answers one request: route, then fault, then token, then usage group, then permission and maintenance, then the
 * resource. A fault comes even before the token is looked at, so that the next request surely gets it; it counts in the
 * usage group all the same. A request whose fault is an error had no effect.
 */
export function answer(incoming: Incoming, platform: Platform): Outcome {
  const { faults, limits, oauth, routes } = platform;
  const [path = "/", query] = incoming.url.split("?", 2);
  if (!path.startsWith("/restapi/")) return { reply: errors.noRoute(), on: "unknown" };
  const route = routes.find(({ pattern }) => pattern.test(path));
  const on = route?.name ?? "unknown";
  const queueId = route && QUEUE_PATH.exec(path)?.[1];
  const fault = faults.take(on, queueId);

  const admission = route?.admit ? route.admit(incoming) : admitBearer(incoming.headers.authorization, oauth);
  const identity = "identity" in admission ? admission.identity : undefined;
  const outcome = { on, fault, queueId, caller: identity?.caller };
  if ("refusal" in admission && !fault) return { ...outcome, reply: admission.refusal };
  if (!route) return { ...outcome, reply: errors.invalidUri() };
  if (incoming.method !== route.method) return { ...outcome, reply: errors.methodNotAllowed(route.method) };

  const params = (route.pattern.exec(path) ?? []).slice(1);
  const allowance = identity && limits.take(identity.caller, route.group, route.cost?.(params) ?? 1);
  const limitHeaders = { ...allowance?.headers };
  const ordinary = () => {
    if ("refusal" in admission) return admission.refusal;
    if (allowance?.refused) return errors.rateExceeded(limitHeaders);
    const call = { ...incoming, path, query: new URLSearchParams(query), params, limitHeaders, fault };
    return permitted(route, { ...call, identity: admission.identity }, platform);
  };
  if (!fault) return { ...outcome, reply: ordinary() };
  return {
    ...outcome,
    reply: leavesAnswer(fault) ? faultReply(fault, ordinary(), limitHeaders) : faultReply(fault, NOTHING, limitHeaders),
  };
}

const NOTHING: Reply = { status: 200, headers: {}, body: "" };

function permitted(route: Route, call: Call, { switches }: Platform): Reply {
  const { permissions, highlyAvailable } = route;
  if (permissions.length > 0 && !permissions.some((name) => call.identity.scope.includes(name)))
    return errors.appPermission(permissions[0]!, call.limitHeaders);
  if (switches.maintenance && !highlyAvailable) {
    return errors.maintenance(switches.maintenance.retryAfter, call.limitHeaders);
  }
  return route.handle(call);
}

/** Who calls by the access token of a request. */
function admitBearer(header: string | undefined, oauth: OAuth): Admission {
  if (header === undefined) return { refusal: errors.noAuthorization() };
  const [, token] = /^bearer ([\w.~+/=-]+)$/i.exec(header) ?? [];
  if (token === undefined) return { refusal: errors.badAuthorization() };
  const identity = oauth.identify(token);
  return identity ? { identity } : { refusal: errors.unknownToken() };
}
