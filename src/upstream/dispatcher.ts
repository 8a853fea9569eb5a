import { Agent, type Dispatcher } from "undici";
import type { AllowList } from "./allow-list.ts";
import { LARGEST_BODY } from "./body.ts";
import { NotAllowedError } from "./transport-error.ts";

// The usage group of one credential rarely allows more than one read a second, but a thousand credentials have one server.
const CONNECTIONS_PER_ORIGIN = 64;
// RingCentral's edge keeps a silent connection for about a minute; a queue in demand is read more often than this.
const KEEP_ALIVE_MS = 30_000;
// An event tells of a few agents; the longest list of filters is some ten thousand bytes.
const LARGEST_MESSAGE = 1024 * 1024;

/**
 * The connections of this service, HTTP and WebSocket, which lead nowhere but to what the allow-list allows. Who makes
 * it destroys it, after the client and the sockets that use it.
 */
export function createDispatcher(options: {
  allowList: Pick<AllowList, "allows" | "allowsSocket">;
  connectTimeoutMs?: number;
}): Dispatcher {
  const { allowList, connectTimeoutMs = 3_000 } = options;
  const agent = new Agent({
    allowH2: false,
    connections: CONNECTIONS_PER_ORIGIN,
    connect: { timeout: connectTimeoutMs },
    keepAliveTimeout: KEEP_ALIVE_MS,
    // The caller's deadline bounds both, and moves.
    headersTimeout: 0,
    bodyTimeout: 0,
    maxResponseSize: LARGEST_BODY,
    webSocket: { maxPayloadSize: LARGEST_MESSAGE },
  });
  // Innermost, so that no retry, redirect or interceptor put around it later gets past.
  return agent.compose((dispatch) => (request, handler) => {
    const { origin } = new URL(request.path, request.origin);
    const allowed = request.upgrade ? allowList.allowsSocket(origin) : allowList.allows(origin);
    if (!allowed) throw new NotAllowedError(origin);
    return dispatch(request, handler);
  });
}
