import type { IncomingMessage } from "node:http";
import * as errors from "./errors.ts";
import { faultReply, withoutFlag } from "./fault-replies.ts";
import type { Fault, Faults } from "./faults.ts";
import type { Layout } from "./layout.ts";
import { queuePresence } from "./presence.ts";
import type { RateLimits } from "./rate-limit.ts";
import { platformReply, type Reply } from "./reply.ts";
import type { World } from "./world.ts";

/** What the simulated platform answers from. */
export interface Platform {
  readonly world: World;
  readonly faults: Pick<Faults, "take">;
  readonly limits: RateLimits;
  /** Access tokens that are good now. */
  readonly tokens: ReadonlySet<string>;
  readonly layout: Layout;
}

/** An answer, the fault that shaped it, and the queue that was asked for. */
export interface Outcome {
  readonly reply: Reply;
  readonly fault?: Fault | undefined;
  readonly queueId?: string | undefined;
}

const PRESENCE_PATH = /^\/restapi\/v1\.0\/account\/([^/]+)\/call-queues\/([^/]+)\/presence$/;

/**
 * Answers one request: route, then fault, then token, then usage group, then the resource. A fault comes even before the
 * token is looked at, so that the next request surely gets it; it counts in the usage group all the same.
 */
export function answer(request: Pick<IncomingMessage, "method" | "url" | "headers">, platform: Platform): Outcome {
  const path = (request.url ?? "/").split("?", 1)[0]!;
  if (!path.startsWith("/restapi/")) return { reply: errors.noRoute() };
  const [, accountId, queueId] = PRESENCE_PATH.exec(path) ?? [];
  const fault = platform.faults.take(queueId);
  const token = bearer(request.headers.authorization);
  const refusal = refuseToken(token, platform.tokens);
  if (refusal && !fault) return { reply: refusal, queueId };
  if (accountId === undefined || queueId === undefined) return { reply: errors.invalidUri(), fault };
  if (request.method !== "GET") return { reply: errors.methodNotAllowed("GET"), fault, queueId };

  const allowance = refusal ? undefined : platform.limits.take(token!, "light");
  if (allowance?.refused && !fault) return { reply: errors.rateExceeded(allowance.headers), queueId };
  const headers = { ...allowance?.headers };
  const ordinary = presence(accountId, queueId, fault, headers, platform);
  return { reply: fault ? faultReply(fault, ordinary, headers) : ordinary, fault, queueId };
}

function presence(
  accountId: string,
  queueId: string,
  fault: Fault | undefined,
  headers: Record<string, string>,
  { world, layout }: Platform,
): Reply {
  if (accountId !== "~" && accountId !== world.accountId) return errors.noResource("accountId", headers);
  const queue = world.find(queueId);
  if (!queue) return errors.noResource("groupId", headers);
  const whole = queuePresence(queue, layout);
  const document = fault?.kind === "flag-missing" ? withoutFlag(whole, fault.flag, fault.records) : whole;
  return platformReply(200, document, { layout, headers });
}

/** The token of a well-formed header; null for one that is not; undefined without a header. */
function bearer(header: string | undefined): string | null | undefined {
  if (header === undefined) return undefined;
  return /^bearer ([\w.~+/=-]+)$/i.exec(header)?.[1] ?? null;
}

function refuseToken(token: string | null | undefined, tokens: ReadonlySet<string>): Reply | undefined {
  if (token === undefined) return errors.noAuthorization();
  if (token === null) return errors.badAuthorization();
  return tokens.has(token) ? undefined : errors.unknownToken();
}
