import { Agent, type Dispatcher } from "undici";
import type { AllowList } from "./allow-list.ts";
import { LARGEST_BODY } from "./body.ts";
import { NotAllowedError } from "./transport-error.ts";

// Enough for the reads of several credentials; the usage group of one rarely allows more than one a second.
const CONNECTIONS_PER_ORIGIN = 8;
// RingCentral's edge keeps a silent connection for about a minute; a queue in demand is read more often than this.
const KEEP_ALIVE_MS = 30_000;

/** The connections of this service, which lead nowhere but to the origins on the allow-list. */
export function createDispatcher(options: {
  allowList: Pick<AllowList, "allows">;
  connectTimeoutMs: number;
}): Pick<Dispatcher, "dispatch" | "destroy"> {
  const agent = new Agent({
    allowH2: false,
    connections: CONNECTIONS_PER_ORIGIN,
    connect: { timeout: options.connectTimeoutMs },
    keepAliveTimeout: KEEP_ALIVE_MS,
    // The caller's deadline bounds both, and moves.
    headersTimeout: 0,
    bodyTimeout: 0,
    maxResponseSize: LARGEST_BODY,
  });
  // Innermost, so that no retry, redirect or interceptor put around it later gets past.
  return agent.compose((dispatch) => (request, handler) => {
    const { origin } = new URL(request.path, request.origin);
    if (!options.allowList.allows(origin)) throw new NotAllowedError(origin);
    return dispatch(request, handler);
  });
}
