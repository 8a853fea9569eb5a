import type { Clock } from "../lib/clock.ts";
import { ServiceError } from "../lib/errors.ts";
import { Turn } from "./calls/turn.ts";
import type { Connection } from "./connection.ts";
import { type CallQueue, listCallQueues } from "./tables/call-queues.ts";

// A person waits for it: as long as a gateway usually lets him.
const PATIENCE_MS = 30_000;

/**
 * Lists the call queues that a connection's user may see, for choosing one. Rejects with ServiceError UNAVAILABLE, its
 * metadata naming the reason, when RingCentral does not give them; its RetryInfo says when that may be another.
 */
export function createQueuePicker(deps: {
  clock: Clock;
  connection: (connectionId: string) => Connection | undefined;
}): (connectionId: string) => Promise<readonly CallQueue[]> {
  return async (connectionId) => {
    const connection = deps.connection(connectionId);
    if (!connection) throw unavailable(connectionId, "it is not open", {});
    const ending = new AbortController();
    const deadline = deps.clock.now() + PATIENCE_MS;
    const cancel = deps.clock.after(PATIENCE_MS, () => ending.abort());
    const turn = new Turn("check");
    turn.raise();
    const list = await listCallQueues(connection.call, "~", { timeUp: ending.signal, deadline: () => deadline, turn });
    cancel();
    if (list.ok) return list.queues;
    const { reason, message } = list.failure;
    const retryDelayMs = Math.max(0, list.until - deps.clock.now());
    const metadata = { upstream_reason: reason };
    throw unavailable(connectionId, message, retryDelayMs > 0 ? { metadata, retryDelayMs } : { metadata });
  };
}

function unavailable(
  connectionId: string,
  state: string,
  details: ConstructorParameters<typeof ServiceError>[2],
): ServiceError {
  return new ServiceError("UNAVAILABLE", `Cannot list call queues of connection "${connectionId}": ${state}`, details);
}
